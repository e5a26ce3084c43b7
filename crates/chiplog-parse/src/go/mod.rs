//! Building blocks that Go programs print: durations and quoted strings.

mod duration;
mod quote;

pub use duration::*;
pub use quote::*;
