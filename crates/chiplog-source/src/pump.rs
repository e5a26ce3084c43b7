//! Reading that may wait, on a thread of its own.

use std::io;
use std::thread;

use crossbeam_channel::{Receiver, Sender, TryRecvError, bounded};

use crate::Waker;

/// Items of a thread that reads. A few at most wait to be taken: the thread then waits, and reads
/// no more.
pub(crate) struct Pump<T>(Receiver<T>);

/// What a [`Pump`] has.
pub(crate) enum Pumped<T> {
    Item(T),
    /// Nothing now.
    Nothing,
    /// The thread has ended.
    Ended,
}

/// Where the thread puts its items.
pub(crate) struct Outlet<T> {
    sender: Sender<T>,
    waker: Waker,
}

/// Nobody wants items any more.
pub(crate) struct Closed;

impl<T: Send + 'static> Pump<T> {
    /// Starts a thread that reads until it has read all, or [`Outlet::put`] says that it is over.
    pub(crate) fn start(
        name: &str,
        waiting_at_most: usize,
        waker: Waker,
        read: impl FnOnce(&Outlet<T>) + Send + 'static,
    ) -> io::Result<Self> {
        let (sender, receiver) = bounded(waiting_at_most);
        thread::Builder::new().name(name.to_owned()).spawn(move || {
            let outlet = Outlet { sender, waker };
            read(&outlet);
            let Outlet { sender, waker } = outlet;
            drop(sender);
            // That it is over is news as well.
            waker.wake();
        })?;
        Ok(Self(receiver))
    }

    pub(crate) fn take(&self) -> Pumped<T> {
        match self.0.try_recv() {
            Ok(item) => Pumped::Item(item),
            Err(TryRecvError::Empty) => Pumped::Nothing,
            Err(TryRecvError::Disconnected) => Pumped::Ended,
        }
    }
}

impl<T> Outlet<T> {
    /// Hands over an item; waits while too many wait to be taken.
    pub(crate) fn put(&self, item: T) -> Result<(), Closed> {
        self.sender.send(item).map_err(|_| Closed)?;
        self.waker.wake();
        Ok(())
    }
}
