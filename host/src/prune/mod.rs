//! From a survey and a budget to a smaller network: what comes in (`inputs`), how much each layer tells (`survey`), in
//! which order its filters may go (`order`), how wide each may stay (`budget`), the cut itself (`surgery`), training after it (`tune`), and the way to the image
//! (`finish`); `verb` is all of it.

pub mod budget;
pub mod cka_order;
pub mod cutoff;
pub mod drop_layers;
pub mod finish;
pub mod inputs;
pub mod order;
pub mod surgery;
pub mod survey;
pub mod survey_verb;
pub mod tune;
pub mod verb;

pub use budget::{Budget, Ground, Plan};
pub use order::LayerOrder;
pub use survey::Survey;
