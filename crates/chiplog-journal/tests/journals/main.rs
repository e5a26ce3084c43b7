//! The reader against files whose content is known: written by a model, recorded by journald,
//! damaged on purpose.

#![allow(clippy::unwrap_used)]

mod damage;
mod model;
mod reading;
mod recorded;
mod sets;
