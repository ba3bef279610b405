//! The failures that have an exit code of their own; everything else exits with 1.

/// A failure that a script may want to tell from others by the exit code.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The command line asks for something that does not exist.
    #[error("{0}")]
    Usage(String),
    /// No plan fits the budget.
    #[error("{0}")]
    BudgetUnreachable(String),
    /// The device answered something else than the desk computed.
    #[error("{0}")]
    DeviceDiffers(String),
    /// The board, its probe or its emulator is not there.
    #[error("{0}")]
    BoardMissing(String),
}

impl Failure {
    /// The process exit code of this failure.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Usage(_) => 2,
            Failure::BudgetUnreachable(_) => 3,
            Failure::DeviceDiffers(_) => 4,
            Failure::BoardMissing(_) => 5,
        }
    }
}
