//! From a survey and a budget to a smaller network: how much each layer tells (`survey`), how wide each may stay
//! (`budget`), and the cut itself (`surgery`).

pub mod budget;
pub mod surgery;
pub mod survey;

pub use budget::{Budget, Ground, Plan};
pub use survey::Survey;
