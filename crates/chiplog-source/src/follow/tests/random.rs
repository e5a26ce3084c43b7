//! Whatever happens to a log in whatever order, each line is handed over once and in order.

use proptest::prelude::*;

use super::*;

#[derive(Clone, Copy, Debug)]
enum Act {
    Write(u8),
    /// Rotates by renaming; the writer notices later.
    Rename,
    Reopen,
    /// Rotates by copying and cutting.
    CopyAndCut,
    /// The same in two steps.
    Copy,
    Cut,
    /// Removes the log after all of it was read and that was saved.
    Remove,
    Compress(u8),
    Poll,
    Pass(u8),
    Save,
    Crash,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => (1..40_u8).prop_map(Act::Write),
        2 => Just(Act::Rename),
        2 => Just(Act::Reopen),
        2 => Just(Act::CopyAndCut),
        1 => Just(Act::Copy),
        1 => Just(Act::Cut),
        1 => Just(Act::Remove),
        2 => any::<u8>().prop_map(Act::Compress),
        6 => Just(Act::Poll),
        1 => any::<u8>().prop_map(Act::Pass),
        2 => Just(Act::Save),
        2 => Just(Act::Crash),
    ]
}

/// What the world allows: nothing is written between a copy and the cut, and nothing is removed that
/// was not read.
struct Script {
    world: World,
    /// The copy that holds all of the log.
    copied: bool,
    removals: usize,
}

impl Script {
    fn act(&mut self, act: Act) {
        let Script { world, copied, removals } = self;
        let there = world.exists("app.log");
        match act {
            Act::Write(lines) if !*copied => world.write(lines.into()),
            Act::Rename if there && !*copied => {
                world.shift();
                world.rename("app.log", "app.log.1");
            }
            Act::Reopen => world.reopen(),
            Act::CopyAndCut if there && !*copied => {
                world.shift();
                world.copy("app.log.1");
                world.truncate();
            }
            Act::Copy if there && !*copied => {
                world.shift();
                world.copy("app.log.1");
                *copied = true;
            }
            Act::Cut if there && *copied => {
                world.truncate();
                *copied = false;
            }
            Act::Remove if there && !*copied => {
                world.drain();
                world.save();
                world.remove("app.log");
                world.reopen();
                *removals += 1;
            }
            Act::Compress(which) => {
                let name = format!("app.log.{}", 1 + which % 4);
                // The writer may be at it still, and a copy belongs to its log until that is cut.
                let is_free =
                    world.exists(&name) && world.writer_is_elsewhere(&name) && !(*copied && which % 4 == 0);
                if is_free {
                    world.compress(&name, if which & 64 == 0 { ".gz" } else { ".zst" });
                }
            }
            Act::Poll => {
                world.poll();
            }
            Act::Pass(tenths) => world.wait(Duration::from_millis(100 * u64::from(tenths % 50))),
            Act::Save => world.save(),
            Act::Crash => world.crash(),
            Act::Write(_) | Act::Rename | Act::CopyAndCut | Act::Copy | Act::Cut | Act::Remove => {}
        }
    }
}

impl World {
    fn writer_is_elsewhere(&self, name: &str) -> bool {
        use std::os::unix::fs::MetadataExt;
        let Some(writer) = &self.writer else { return true };
        writer.metadata().unwrap().ino() != fs::metadata(self.path(name)).unwrap().ino()
    }
}

fn check(acts: &[Act], births: bool) {
    stat::BIRTHS.set(births);
    let mut script = Script { world: World::new(), copied: false, removals: 0 };
    script.world.poll();
    script.world.save();
    for act in acts {
        script.act(*act);
    }
    script.world.drain();
    stat::BIRTHS.set(true);
    script.world.assert_all_read();
    assert!(script.world.losses <= script.removals, "{:?}", script.world.warnings);
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn each_line_once_and_in_order(acts in prop::collection::vec(act(), 1..60), births in any::<bool>()) {
        check(&acts, births);
    }
}
