//! What the service manager is told: the protocol of sd_notify(3), one datagram a message.
//!
//! The crate `sd-notify` knows no abstract sockets, whose names start with `@`, and brings
//! foreign functions for what is not needed here.

use std::ffi::OsString;
use std::io;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::time::{Duration, Instant};

/// A service manager, if there is one.
#[derive(Debug)]
pub(super) struct Service {
    socket: Option<UnixDatagram>,
    watchdog: Option<Duration>,
    last_sign: Instant,
    status: String,
}

impl Service {
    /// The service manager that the environment names.
    pub(super) fn from_environment() -> io::Result<Self> {
        let socket = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty());
        let socket = socket.map(|name| connect(&name)).transpose()?;
        let watchdog = micros(std::env::var_os("WATCHDOG_USEC"))
            .filter(|_| {
                // Set for another process: not ours to answer.
                let pid = std::env::var("WATCHDOG_PID").ok();
                pid.is_none_or(|pid| pid == std::process::id().to_string())
            })
            .filter(|_| socket.is_some());
        Ok(Self { socket, watchdog, last_sign: Instant::now(), status: String::new() })
    }

    /// Sources are watched from now on.
    pub(super) fn ready(&self) {
        self.send("READY=1");
    }

    /// Rules are being read again; [`Service::ready`] ends that.
    pub(super) fn reloading(&self) {
        self.send("RELOADING=1");
    }

    pub(super) fn stopping(&self) {
        self.send("STOPPING=1");
    }

    /// One line for people, sent if it has changed.
    pub(super) fn status(&mut self, line: String) {
        if self.socket.is_some() && line != self.status {
            self.send(&format!("STATUS={line}"));
            self.status = line;
        }
    }

    /// Says that the program lives, if half the time has passed after which it is taken for dead.
    pub(super) fn live(&mut self) {
        if self.until_sign().is_some_and(|wait| wait.is_zero()) {
            self.send("WATCHDOG=1");
            self.last_sign = Instant::now();
        }
    }

    /// How long [`Service::live`] has nothing to do.
    pub(super) fn until_sign(&self) -> Option<Duration> {
        Some((self.watchdog? / 2).saturating_sub(self.last_sign.elapsed()))
    }

    fn send(&self, message: &str) {
        if let Some(socket) = &self.socket {
            // A manager that cannot be told draws its own conclusions.
            let _ = socket.send(message.as_bytes());
        }
    }
}

fn connect(name: &OsString) -> io::Result<UnixDatagram> {
    let socket = UnixDatagram::unbound()?;
    socket.connect_addr(&address(name.as_bytes())?)?;
    Ok(socket)
}

#[cfg(target_os = "linux")]
fn address(name: &[u8]) -> io::Result<SocketAddr> {
    use std::os::linux::net::SocketAddrExt as _;
    match name.strip_prefix(b"@") {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name)),
    }
}

#[cfg(not(target_os = "linux"))]
fn address(name: &[u8]) -> io::Result<SocketAddr> {
    SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(name))
}

fn micros(text: Option<OsString>) -> Option<Duration> {
    text?.to_str()?.parse().ok().filter(|micros| *micros > 0).map(Duration::from_micros)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_reach_the_socket_and_a_status_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("notify");
        let manager = UnixDatagram::bind(&path).unwrap();
        let socket = Some(connect(&path.into_os_string()).unwrap());
        let mut service = Service {
            socket,
            watchdog: Some(Duration::from_nanos(1)),
            last_sign: Instant::now(),
            status: String::new(),
        };
        service.ready();
        service.status("two sources".to_owned());
        service.status("two sources".to_owned());
        service.live();
        service.stopping();
        let mut buffer = [0; 64];
        for expected in ["READY=1", "STATUS=two sources", "WATCHDOG=1", "STOPPING=1"] {
            let length = manager.recv(&mut buffer).unwrap();
            assert_eq!(std::str::from_utf8(&buffer[..length]).unwrap(), expected);
        }
    }

    #[test]
    fn without_a_manager_nothing_is_due() {
        let service =
            Service { socket: None, watchdog: None, last_sign: Instant::now(), status: String::new() };
        assert_eq!(service.until_sign(), None);
        assert_eq!(micros(Some("0".into())), None);
        assert_eq!(micros(Some("30000000".into())), Some(Duration::from_secs(30)));
    }
}
