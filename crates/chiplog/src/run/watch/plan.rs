//! From flags to sources.

use std::io;

use chiplog_source::{Pipe, Source, Waker};

use super::supervised::{Open, Supervised};
use crate::exit::Failure;
use crate::flags::Watch;

/// A source that was asked for, not opened yet.
pub(super) struct Planned {
    pub(super) name: &'static str,
    pub(super) is_finite: bool,
    /// Says in a few words what there is to read now, or why nothing can be.
    pub(super) check: Box<dyn Fn() -> Vec<Checked>>,
    pub(super) open: Open,
}

/// The outcome of looking at one thing: what it is, and what there is of it or why not.
pub(super) type Checked = Result<String, String>;

impl Planned {
    pub(super) fn supervised(self, cursor: Option<serde_json::Value>) -> Supervised {
        Supervised::new(self.name, self.is_finite, cursor, self.open)
    }
}

/// All sources that the flags ask for.
pub(super) fn sources(flags: &Watch, waker: &Waker) -> Result<Vec<Planned>, Failure> {
    let mut planned = vec![];
    if flags.stdin.is_some() {
        planned.push(stdin(waker.clone()));
    }
    if planned.is_empty() {
        return Err(Failure::usage("nothing to watch")
            .with_hint("name sources: --file GLOB, --pods, --journal, --kmsg, or - for standard input"));
    }
    Ok(planned)
}

fn stdin(waker: Waker) -> Planned {
    Planned {
        name: "stdin",
        is_finite: true,
        check: Box::new(|| {
            vec![Ok("standard input (lines that were not saved when it ends are lost)".to_owned())]
        }),
        open: Box::new(move |cursor| {
            let pipe = Pipe::stdin(cursor, waker.clone())?;
            io::Result::Ok(Box::new(pipe) as Box<dyn Source>)
        }),
    }
}
