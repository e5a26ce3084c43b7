//! The generator is stable, and the oracle agrees with what it says it planted.

use chiplog_testkit::{Envelope, Generator, Problem, Profile, Truth, naive};

const ENVELOPES: [Envelope; 4] =
    [Envelope::JournalShort, Envelope::Cri, Envelope::DockerJson, Envelope::None];

fn generate(seed: u64, profile: Profile, bytes: usize) -> (Vec<u8>, Truth) {
    let mut generator = Generator::new(seed, profile);
    let mut log = Vec::new();
    generator.append(&mut log, bytes);
    (log, generator.truth().clone())
}

fn fnv1a(bytes: &[u8]) -> u64 {
    let step = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x100_0000_01b3);
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, step)
}

/// Measurements and expectations elsewhere rest on these bytes. A change here is a new corpus.
#[test]
fn seed_one_stays_what_it_is() {
    let sums: Vec<u64> = [Profile::healthy(), Profile::sick()]
        .into_iter()
        .flat_map(|profile| ENVELOPES.map(|envelope| profile.in_envelope(envelope)))
        .map(|profile| fnv1a(&generate(1, profile, 1 << 20).0))
        .collect();
    let expected: [u64; 8] = [
        0x375a_a196_50a3_14c0,
        0xc70e_d671_1a74_0939,
        0x2216_b45f_2c23_a434,
        0xcd25_bbcb_45ca_9ef6,
        0x0b1e_3803_694d_f11a,
        0x0ae2_efd3_8b58_3b35,
        0x710e_ceba_e155_6657,
        0x2d6b_661e_ffe8_cc19,
    ];
    assert_eq!(sums, expected, "{sums:#018x?}");
}

#[test]
fn the_oracle_agrees() {
    for envelope in ENVELOPES {
        for seed in 0..4 {
            let mut profile = Profile::sick().in_envelope(envelope);
            profile.shares.decoys = 5000;
            profile.shares.garbage = 3000;
            profile.jitter_micros = 3_000_000;
            let (log, truth) = generate(seed, profile, 1 << 20);
            let counts = naive::count(&log);
            assert_eq!(counts.lines, truth.lines);
            assert!(truth.garbage_lines > 0 && truth.decoys > 0);
            for problem in Problem::ALL {
                assert!(truth.tally(problem).hits > 0, "{problem:?}");
                assert_eq!(counts.tally(problem), truth.tally(problem), "{problem:?} {envelope:?} {seed}");
                let (first, last) = truth.times_unix_micros(problem).unwrap();
                assert!(first <= last);
            }
        }
    }
}

#[test]
fn healthy_is_healthy() {
    for envelope in ENVELOPES {
        let (log, truth) = generate(3, Profile::healthy().in_envelope(envelope), 1 << 20);
        assert_eq!(truth.garbage_lines, 0);
        assert!(log.ends_with(b"\n") && std::str::from_utf8(&log).is_ok());
        let counts = naive::count(&log);
        assert!(Problem::ALL.iter().all(|problem| counts.tally(*problem).hits == 0));
    }
}

#[test]
fn a_log_does_not_depend_on_how_it_is_cut() {
    let (whole, truth) = generate(5, Profile::sick(), 300_000);
    let mut generator = Generator::new(5, Profile::sick());
    let mut pieces = Vec::new();
    while pieces.len() < whole.len() {
        generator.append(&mut pieces, 1);
    }
    assert_eq!(whole, pieces);
    assert_eq!(&truth, generator.truth());
}

#[test]
fn the_year_ends_in_the_zone_of_the_node() {
    let (log, _) = generate(6, Profile::healthy().across_new_year(), 300_000);
    let log = String::from_utf8(log).unwrap();
    assert!(log.starts_with("Dec 31 23:59:55 node-a "));
    assert!(log.contains("\nJan 01 00:00:00 node-a "));
    assert!(log.contains("]: I1231 23:59:59.") && log.contains("]: I0101 00:00:00."));
}

#[test]
fn jitter_puts_lines_out_of_order() {
    let times = |jitter_micros| {
        let mut profile = Profile::healthy().in_envelope(Envelope::None);
        profile.jitter_micros = jitter_micros;
        let log = String::from_utf8(generate(8, profile, 200_000).0).unwrap();
        let klog = |line: &str| line.strip_prefix("I0521 ").map(|rest| rest[..15].to_owned());
        log.lines().filter_map(klog).collect::<Vec<_>>()
    };
    assert!(times(0).is_sorted());
    assert!(!times(2_000_000).is_sorted());
}
