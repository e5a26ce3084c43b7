//! Ctrl-C and SIGTERM.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use crossbeam_channel::{Receiver, bounded};
use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::iterator::Signals;

/// Tells whether to stop. The first signal asks; the second ends the program at once.
#[derive(Clone, Debug)]
pub(crate) struct Interrupt {
    raised: Arc<AtomicBool>,
    /// Closed when a signal has come, so that a blocked reader can be woken.
    pub(crate) stop: Receiver<()>,
}

impl Interrupt {
    /// Takes over the signals.
    pub(crate) fn install() -> io::Result<Self> {
        let raised = Arc::new(AtomicBool::new(false));
        let (sender, stop) = bounded::<()>(0);
        let mut signals = Signals::new([SIGINT, SIGTERM])?;
        let seen = Arc::clone(&raised);
        std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
            let mut sender = Some(sender);
            for _ in signals.forever() {
                // Relaxed: the flag is all that is told; no other memory hangs on it.
                if seen.swap(true, Ordering::Relaxed) {
                    std::process::exit(crate::exit::Exit::Interrupted as i32);
                }
                sender = None;
            }
            drop(sender);
        })?;
        Ok(Self { raised, stop })
    }

    /// Whether a signal has come.
    pub(crate) fn raised(&self) -> bool {
        self.raised.load(Ordering::Relaxed)
    }
}
