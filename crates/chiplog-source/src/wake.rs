//! How a source tells its owner that there is something to read.

use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};

/// Wakes the owner of sources. Given to each source that learns of new lines by itself.
///
/// Wakings do not add up: many before the owner looks are one.
#[derive(Clone, Debug)]
pub struct Waker(Sender<()>);

/// The owner's side of its [`Waker`]s.
///
/// ```
/// use std::time::Duration;
/// use chiplog_source::Wakings;
/// let (waker, wakings) = Wakings::new();
/// std::thread::spawn(move || waker.wake());
/// wakings.wait(Duration::from_secs(60));
/// ```
#[derive(Debug)]
pub struct Wakings(Receiver<()>);

impl Wakings {
    /// A waker, to be cloned for each source, and what it wakes.
    #[must_use]
    pub fn new() -> (Waker, Wakings) {
        let (sender, receiver) = bounded(1);
        (Waker(sender), Wakings(receiver))
    }

    /// Waits until it is woken, at most this long. A waking since the last wait counts.
    pub fn wait(&self, at_most: Duration) {
        // Woken, too late, or without a waker left: in each case the owner looks around.
        let _ = self.0.recv_timeout(at_most);
    }
}

impl Waker {
    /// Wakes the owner, now or at its next wait. Never waits itself.
    pub fn wake(&self) {
        // A full channel is a waking that has not been seen yet.
        let _ = self.0.try_send(());
    }

    /// The same as a channel: what finds it full needs to say nothing more.
    #[must_use]
    pub fn sender(&self) -> Sender<()> {
        self.0.clone()
    }
}
