//! From a survey and a budget to a smaller network: what comes in (`inputs`), how much each layer tells (`survey`), in
//! which order its filters may go (`order`), how wide each may stay (`budget`), the cut itself (`surgery`), what it
//! takes made up for (`reconstruct`), training after it (`tune`), all in one round or several (`steps`), and the way to the image (`finish`); `verb` is all of it.
//! Other orders (`rank`) and other rules for widths (`allocate`) are there to be compared (`compare`). Orders given other
//! layers (`across`), widths by a curve alone (`cutoff`) and whole layers out (`drop_layers`) are there to be asked for;
//! under a bound on time plans are tried (`tries`), also with layers less (`depth`). `stability` says how far surveys agree.

pub mod across;
pub mod allocate;
pub mod budget;
pub mod compare;
pub mod cutoff;
pub mod depth;
pub mod drop_layers;
pub mod finish;
pub mod inputs;
pub mod order;
pub mod rank;
pub mod reconstruct;
pub mod stability;
pub mod steps;
pub mod surgery;
pub mod survey;
pub mod survey_verb;
pub mod tries;
pub mod tune;
pub mod verb;
pub mod work;

pub use budget::{Budget, Ground, Plan};
pub use order::LayerOrder;
pub use survey::Survey;
pub use work::Work;
