//! What the system asks of a daemon.

use std::io;
use std::sync::mpsc::{Receiver, channel};

use chiplog_source::Waker;
use signal_hook::consts::{SIGHUP, SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

use crate::exit::Exit;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Request {
    /// SIGTERM, SIGINT: save and end. A second one ends the program at once.
    Stop,
    /// SIGHUP: read the rules again.
    Reload,
}

/// Takes over the signals. Each wakes the owner.
pub(super) fn install(waker: Waker) -> io::Result<Receiver<Request>> {
    let mut signals = Signals::new([SIGHUP, SIGINT, SIGTERM])?;
    let (sender, requests) = channel();
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut is_stopping = false;
        for signal in signals.forever() {
            let request = if signal == SIGHUP { Request::Reload } else { Request::Stop };
            if request == Request::Stop && std::mem::replace(&mut is_stopping, true) {
                std::process::exit(Exit::Interrupted as i32);
            }
            // When nobody listens any more, the program is ending.
            let _ = sender.send(request);
            waker.wake();
        }
    })?;
    Ok(requests)
}
