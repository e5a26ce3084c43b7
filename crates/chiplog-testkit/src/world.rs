//! The names that lines speak of, and the clock they are written by.

use crate::calendar::Civil;
use crate::{Profile, Rng};

pub(crate) struct Pod {
    pub(crate) namespace: &'static str,
    pub(crate) name: String,
    pub(crate) uid: String,
    pub(crate) container: &'static str,
}

/// Everything a line may name.
pub(crate) struct World {
    pub(crate) rng: Rng,
    pub(crate) now: Now,
    pub(crate) pods: Vec<Pod>,
    pub(crate) container_ids: Vec<String>,
    pub(crate) addresses: Vec<String>,
    pub(crate) keys: Vec<String>,
    pub(crate) volumes: Vec<String>,
    pub(crate) interfaces: Vec<String>,
    /// The newest revision of the store; grows.
    pub(crate) revision: u64,
}

/// The time of the present line.
#[derive(Clone, Copy)]
pub(crate) struct Now {
    pub(crate) unix_micros: u64,
    /// 0 to 999,999.
    pub(crate) micros: u32,
    pub(crate) utc: Civil,
    pub(crate) local: Civil,
    pub(crate) zone_offset_seconds: u32,
    since_boot_micros: u64,
}

/// Time from boot to the first line.
const UPTIME_MICROS: u64 = 12_345_678_901;

impl Now {
    pub(crate) fn new(profile: &Profile) -> Now {
        let offset = profile.zone_offset_seconds;
        let seconds = profile.start_unix_micros / 1_000_000;
        Now {
            unix_micros: profile.start_unix_micros,
            micros: (profile.start_unix_micros % 1_000_000) as u32,
            utc: Civil::of(seconds),
            local: Civil::of(seconds + u64::from(offset)),
            zone_offset_seconds: offset,
            since_boot_micros: UPTIME_MICROS,
        }
    }

    pub(crate) fn set(&mut self, unix_micros: u64) {
        let seconds = unix_micros / 1_000_000;
        if seconds != self.unix_micros / 1_000_000 {
            self.utc = Civil::of(seconds);
            self.local = Civil::of(seconds + u64::from(self.zone_offset_seconds));
        }
        self.since_boot_micros = (self.since_boot_micros + unix_micros).saturating_sub(self.unix_micros);
        self.unix_micros = unix_micros;
        self.micros = (unix_micros % 1_000_000) as u32;
    }

    /// Seconds and microseconds since boot.
    pub(crate) fn since_boot(&self) -> (u64, u64) {
        (self.since_boot_micros / 1_000_000, self.since_boot_micros % 1_000_000)
    }
}

const NAMESPACES: &[&str] =
    &["kube-system", "shop", "payments", "observability", "batch", "default", "search"];
const APPS: &[&str] =
    &["coredns", "cart", "ledger", "gateway", "indexer", "scraper", "reports", "sessions", "mailer"];
const KINDS: &[&str] = &["pods", "events", "minions", "leases/kube-node-lease", "configmaps", "secrets"];

impl World {
    pub(crate) fn new(seed: u64, profile: &Profile) -> World {
        let mut rng = Rng::new(seed);
        let pods = (0..300).map(|_| pod(&mut rng)).collect();
        let container_ids = (0..1500).map(|_| hex(&mut rng, 64)).collect();
        let addresses = (0..200)
            .map(|_| format!("10.{}.{}.{}", 40 + rng.below(9), rng.below(256), 1 + rng.below(254)))
            .collect();
        let keys = (0..400)
            .map(|_| {
                let (kind, namespace, app) = (rng.pick(KINDS), rng.pick(NAMESPACES), rng.pick(APPS));
                format!("/registry/{kind}/{namespace}/{app}-{}", hex(&mut rng, 5))
            })
            .collect();
        let volumes = (0..40)
            .map(|_| format!("{}-{}", rng.pick(&["kube-api-access", "config", "data"]), hex(&mut rng, 5)))
            .collect();
        let interfaces = (0..100).map(|_| format!("veth{}", hex(&mut rng, 8))).collect();
        let now = Now::new(profile);
        World { rng, now, pods, container_ids, addresses, keys, volumes, interfaces, revision: 9_000_000 }
    }
}

fn pod(rng: &mut Rng) -> Pod {
    let (namespace, container) = (*rng.pick(NAMESPACES), *rng.pick(APPS));
    let name = if rng.below(3) == 0 {
        format!("{container}-{}", rng.below(9))
    } else {
        format!("{container}-{}-{}", hex(rng, 10), hex(rng, 5))
    };
    let uid = [8, 4, 4, 4, 12].map(|digits| hex(rng, digits)).join("-");
    Pod { namespace, name, uid, container }
}

fn hex(rng: &mut Rng, digits: usize) -> String {
    (0..digits).map(|_| char::from(*rng.pick(b"0123456789abcdef"))).collect()
}
