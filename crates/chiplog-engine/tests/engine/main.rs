//! The engine from outside: blocks in, findings out.

mod findings;
mod hostile;
mod split;
mod support;
mod truth;
