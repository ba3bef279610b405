//! inform
