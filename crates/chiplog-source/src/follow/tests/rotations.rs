//! Each kind of rotation, with and without a restart at each step.

use super::*;

/// Something that happens to the log.
type Step = fn(&mut World);

/// Runs the steps with a poll after each, then without, and with a restart after each one; on file
/// systems with and without birth times.
#[track_caller]
fn run(steps: &[Step]) {
    run_with(steps, 0, false);
}

#[track_caller]
fn run_with(steps: &[Step], losses: usize, sorted: bool) {
    // Whether a poll follows a step, and the step after which the process begins anew.
    for births in [true, false] {
        stat::BIRTHS.set(births);
        for polls in [0, u32::MAX, 0x5555_5555, 0xaaaa_aaaa, 1, 2, 4, 8] {
            for restart in 0..=steps.len() {
                let mut world = World::new();
                world.poll();
                for (at, step) in steps.iter().enumerate() {
                    step(&mut world);
                    if polls & (1 << at) != 0 {
                        world.poll();
                    }
                    if restart == at {
                        world.restart();
                    }
                }
                world.drain();
                if sorted {
                    world.read.sort();
                }
                world.assert_all_read();
                assert!(
                    world.losses <= losses,
                    "{} losses, polls {polls:x}, restart {restart}",
                    world.losses
                );
            }
        }
    }
    stat::BIRTHS.set(true);
}

#[test]
fn appends() {
    run(&[|w| w.write(3), |w| w.write(1), |w| w.write_text(""), |w| w.write(40)]);
}

#[test]
fn renamed_and_the_writer_goes_on_for_a_while() {
    run(&[
        |w| w.write(3),
        |w| w.rename("app.log", "app.log.1"),
        |w| w.write(30),
        World::reopen,
        |w| w.write(2),
        |w| {
            w.shift();
            w.rename("app.log", "app.log.1");
        },
        |w| w.write(2),
        World::reopen,
        |w| w.write(10),
    ]);
}

#[test]
fn copied_and_cut() {
    run(&[
        |w| w.write(30),
        |w| w.copy("app.log.1"),
        |w| w.truncate(),
        |w| w.write(2),
        |w| {
            w.shift();
            w.copy("app.log.1");
            w.truncate();
        },
        |w| w.write(60),
        |w| {
            w.shift();
            w.copy("app.log.1");
            w.truncate();
            // At once further than before.
            w.write(90);
        },
    ]);
}

#[test]
fn half_a_copy_is_not_read() {
    run(&[
        |w| w.write(30),
        |w| {
            let text = fs::read(w.path("app.log")).unwrap();
            fs::write(w.path("app.log.1"), &text[..text.len() / 3]).unwrap();
        },
        |w| w.write(3),
        |w| w.copy("app.log.1"),
        |w| w.truncate(),
        |w| w.write(1),
    ]);
}

#[test]
fn compressed_while_looked_at() {
    run(&[
        |w| w.write(30),
        |w| {
            w.rename("app.log", "app.log.1");
            w.reopen();
        },
        |w| w.write(5),
        |w| {
            let packed = w.compressed("app.log.1", ".gz");
            fs::write(w.path("app.log.1.gz"), &packed[..packed.len() / 2]).unwrap();
        },
        |w| {
            let packed = w.compressed("app.log.1", ".gz");
            fs::write(w.path("app.log.1.gz"), &packed).unwrap();
        },
        |w| w.remove("app.log.1"),
        |w| w.write(5),
        |w| w.rename("app.log.1.gz", "app.log.2.gz"),
    ]);
}

#[test]
fn rotated_twice_and_compressed_at_once() {
    run(&[
        |w| w.write(30),
        |w| {
            w.rename("app.log", "app.log.1");
            w.reopen();
            w.write(7);
            w.compress("app.log.1", ".zst");
            w.shift();
            w.rename("app.log", "app.log.1");
            w.reopen();
            w.write(7);
            w.compress("app.log.1", ".gz");
        },
        |w| w.write(1),
    ]);
}

#[test]
fn copied_cut_and_compressed_at_once() {
    run(&[
        |w| w.write(30),
        |w| {
            w.write(20);
            w.copy("app.log.1");
            w.truncate();
            w.compress("app.log.1", ".gz");
            w.write(50);
        },
        |w| w.write(1),
    ]);
}

#[test]
fn removed_and_written_anew() {
    run_with(
        &[
            |w| w.write(30),
            |w| {
                w.drain();
                w.remove("app.log");
                w.reopen();
                w.write(30);
            },
            |w| w.write(1),
            |w| {
                w.drain();
                w.remove("app.log");
                w.reopen();
                w.write(3);
            },
        ],
        2,
        false,
    );
}

#[test]
fn dated_by_logrotate_and_by_the_kubelet() {
    run(&[
        |w| w.write(30),
        |w| {
            w.rename("app.log", "app.log-20240514");
            w.reopen();
        },
        |w| w.write(30),
        |w| {
            w.rename("app.log", "app.log.20240515-031244");
            w.reopen();
        },
        |w| w.write(3),
        |w| {
            // The kubelet compresses under a name of its own.
            let packed = w.compressed("app.log.20240515-031244", ".gz");
            fs::write(w.path("app.log.20240515-031244.tmp"), packed).unwrap();
        },
        |w| {
            w.rename("app.log.20240515-031244.tmp", "app.log.20240515-031244.gz");
            w.remove("app.log.20240515-031244");
        },
        |w| w.write(3),
    ]);
}

#[test]
fn a_name_of_its_own_scheme_keeps_its_place() {
    let steps: &[Step] = &[
        |w| w.write(30),
        |w| {
            w.rename("app.log", "older.log");
            w.reopen();
        },
        |w| w.write(3),
    ];
    // Two streams have no order.
    run_with(steps, 0, true);
}

#[test]
fn lines_come_in_pieces() {
    run(&[
        |w| w.write_text("000000 "),
        |w| {
            w.write_text("\n");
            w.written.push("000000 ".to_owned());
        },
        |w| w.write(2),
        |w| w.write_text("the last has no end"),
        |w| w.written.push("the last has no end".to_owned()),
    ]);
}

#[test]
fn the_end_of_a_line_that_was_given_up_is_no_line() {
    let mut world = World::new();
    world.write(1);
    world.write_text("slow");
    world.drain();
    world.restart();
    world.write_text("er than that\n");
    world.drain();
    world.write_text("next\n");
    world.drain();
    assert_eq!(world.read[1..], ["slow", "next"]);
    assert!(
        world.warnings.iter().any(|text| text.contains("the end of a line came so late")),
        "{:?}",
        world.warnings
    );
}

#[test]
fn a_writer_that_does_not_append_leaves_a_hole() {
    use std::os::unix::fs::FileExt;
    let mut world = World::new();
    world.write(20);
    let end = fs::metadata(world.path("app.log")).unwrap().len();
    world.drain();
    world.copy("app.log.1");
    world.truncate();
    let file = OpenOptions::new().write(true).open(world.path("app.log")).unwrap();
    file.write_at(b"after the hole\n", end).unwrap();
    world.written.push("after the hole".to_owned());
    world.drain();
    world.restart();
    world.drain();
    world.assert_all_read();
    assert_eq!(world.losses, 0);
    assert!(world.warnings.iter().any(|text| text.contains("NUL bytes")), "{:?}", world.warnings);
}

#[test]
fn long_lines_are_cut_and_counted() {
    let mut world = World::with(|options| options.limits.line_bytes = 100);
    world.options.limits.block_bytes = 256;
    world.restart();
    world.write_text(&"a".repeat(5000));
    world.poll();
    world.write_text(&"b".repeat(5000));
    world.restart();
    world.write_text("\nshort\n");
    world.drain();
    assert_eq!(world.read, ["a".repeat(100), "short".to_owned()]);
    assert_eq!(*world.offsets.values().next().unwrap(), 10_007);
}

#[test]
fn what_is_gone_is_told() {
    // Cut without a copy.
    let mut world = World::new();
    world.write(30);
    world.drain();
    world.truncate();
    world.write(1);
    world.drain();
    world.assert_all_read();
    assert_eq!(world.losses, 1);
    // Removed while nobody looked.
    world.restart();
    world.remove("app.log");
    world.crash();
    world.drain();
    assert_eq!(world.losses, 2);
    assert_eq!(world.ended.len(), 1, "{:?}", world.ended);
    world.restart();
    world.drain();
    assert_eq!(world.losses, 2, "a loss is told once");
}

#[test]
fn a_removed_file_is_read_to_its_end() {
    let mut world = World::new();
    world.write(1);
    world.poll();
    world.remove("app.log");
    world.write(30);
    world.drain();
    world.assert_all_read();
    world.wait(Duration::from_secs(120));
    world.drain();
    assert_eq!((world.losses, world.ended.len()), (0, 1));
}

/// A log with rotated files, one of them compressed, that is looked at for the first time.
fn rotated_before_the_first_look(from: FollowFrom) -> World {
    let mut world = World::with(|options| options.from = from);
    fs::write(world.path("app.log.1"), "old\n").unwrap();
    fs::write(world.path("app.log.2"), "older\n").unwrap();
    world.compress("app.log.2", ".gz");
    world.drain();
    world.write(5);
    world.drain();
    world.shift();
    world.rename("app.log", "app.log.1");
    world.reopen();
    world.write(2);
    world.restart();
    world.compress("app.log.2", ".gz");
    world.drain();
    assert_eq!(world.losses, 0);
    world
}

#[test]
fn what_was_rotated_before_the_first_look_is_read_from_the_start() {
    let mut world = rotated_before_the_first_look(FollowFrom::Start);
    world.written.splice(0..0, ["older".to_owned(), "old".to_owned()]);
    world.assert_all_read();
}

#[test]
fn what_was_rotated_before_the_first_look_is_history_from_the_end() {
    rotated_before_the_first_look(FollowFrom::End).assert_all_read();
}

#[test]
fn from_the_end() {
    let mut world = World::with(|options| options.from = FollowFrom::End);
    world.write_text("before\nhalf");
    world.poll();
    world.write_text(" a line\n");
    world.write_text("after\n");
    world.restart();
    world.drain();
    assert_eq!(world.read, ["half a line", "after"]);
}

#[test]
fn links_of_containers_lead_to_one_stream_for_each_file() {
    let mut world = World::new();
    let (pods, links) = (world.path("pods"), world.path("containers"));
    fs::create_dir_all(pods.join("ns_pod_uid/app")).unwrap();
    fs::create_dir(&links).unwrap();
    let log = pods.join("ns_pod_uid/app/0.log");
    fs::write(&log, "one\n").unwrap();
    std::os::unix::fs::symlink(&log, links.join("pod_ns_app-1.log")).unwrap();
    // Both ways to the file, and a link that leads nowhere.
    std::os::unix::fs::symlink(pods.join("gone"), links.join("gone.log")).unwrap();
    std::os::unix::fs::symlink(&pods, pods.join("loop")).unwrap();
    world.options.globs = vec![format!("{}/*.log", links.display()), format!("{}/**/*.log", pods.display())];
    world.files = Some(FollowedFiles::new(world.options.clone(), None).unwrap());
    world.drain();
    assert_eq!(world.read, ["one"]);
    fs::rename(&log, pods.join("ns_pod_uid/app/0.log.20240514-031244")).unwrap();
    fs::write(&log, "two\n").unwrap();
    world.drain();
    // The container starts again.
    let next = pods.join("ns_pod_uid/app/1.log");
    fs::write(&next, "three\n").unwrap();
    fs::remove_file(links.join("pod_ns_app-1.log")).unwrap();
    std::os::unix::fs::symlink(&next, links.join("pod_ns_app-2.log")).unwrap();
    world.restart();
    world.drain();
    assert_eq!(world.read, ["one", "two", "three"]);
    assert_eq!(
        world.offsets.keys().cloned().collect::<Vec<_>>(),
        [log, next].map(|path| path.display().to_string())
    );
    fs::remove_dir_all(&pods).unwrap();
    world.drain();
    world.wait(Duration::from_secs(120));
    world.drain();
    assert_eq!(world.ended.len(), 2, "{:?}", world.warnings);
}

#[test]
fn what_is_no_file_is_left_out_and_told_once() {
    let mut world = World::new();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        world.path("pipe.log"),
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    fs::create_dir(world.path("directory.log")).unwrap();
    world.write(1);
    world.drain();
    world.assert_all_read();
    assert_eq!(world.warnings.len(), 1, "{:?}", world.warnings);
    assert!(world.warnings[0].ends_with("pipe.log: not a file; it is left out"));
}

#[test]
fn few_files_are_open_at_once() {
    let mut world = World::with(|options| options.open_files = Some(3));
    for round in 0..3 {
        for log in 0..20 {
            let path = world.path(&format!("{log:02}.log"));
            let mut file = OpenOptions::new().create(true).append(true).open(path).unwrap();
            let line = format!("{log} {round}");
            writeln!(file, "{line}").unwrap();
            world.written.push(line);
        }
        world.drain();
        let open: usize = world.files.as_ref().unwrap().families.values().map(Family::open_files).sum();
        assert!(open <= 3, "{open}");
        world.restart();
    }
    world.read.sort();
    world.written.sort();
    world.assert_all_read();
}

#[test]
fn globs_and_cursors_that_cannot_be_understood() {
    let options = FollowOptions::new("test", vec!["/var/log/[.log".to_owned()]);
    assert!(matches!(FollowedFiles::new(options, None), Err(FollowError::Glob { .. })));
    for cursor in [
        serde_json::json!({}),
        serde_json::json!({ "version": 9 }),
        serde_json::json!({ "version": 1, "logs": 3 }),
    ] {
        let options = FollowOptions::new("test", vec!["/var/log/*.log".to_owned()]);
        let error = FollowedFiles::new(options, Some(&cursor)).err().unwrap();
        assert!(matches!(error, FollowError::Cursor(_)), "{error}");
    }
}

#[test]
fn the_inode_of_a_removed_log_goes_to_another() {
    for births in [true, false] {
        stat::BIRTHS.set(births);
        let mut world = World::new();
        let line = |world: &mut World, name: &str, line: &str| {
            fs::write(world.path(name), format!("{line}\n")).unwrap();
            world.written.push(line.to_owned());
        };
        line(&mut world, "a.log", "one");
        world.drain();
        world.remove("a.log");
        world.wait(Duration::from_secs(120));
        world.drain();
        // Most file systems use the number again at once.
        line(&mut world, "b.log", "two");
        line(&mut world, "c.log", "three");
        world.drain();
        world.assert_all_read();
        stat::BIRTHS.set(true);
    }
}

#[test]
fn two_names_of_one_file_are_one() {
    let mut world = World::new();
    world.write(3);
    fs::hard_link(world.path("app.log"), world.path("second.log")).unwrap();
    world.drain();
    world.write(3);
    world.restart();
    world.drain();
    world.remove("app.log");
    world.write(3);
    world.drain();
    world.assert_all_read();
    assert_eq!(world.losses, 0);
}

#[test]
fn links_in_circles_and_directories_that_vanish() {
    let mut world = World::new();
    std::os::unix::fs::symlink("b.log", world.path("a.log")).unwrap();
    std::os::unix::fs::symlink("a.log", world.path("b.log")).unwrap();
    world.write(2);
    world.drain();
    assert_eq!(world.warnings.len(), 2, "{:?}", world.warnings);
    let root = world.path("");
    fs::remove_dir_all(&root).unwrap();
    world.drain();
    fs::create_dir(&root).unwrap();
    world.reopen();
    world.write(2);
    world.drain();
    world.assert_all_read();
    assert_eq!(world.losses, 0);
}

#[test]
fn a_banner_that_is_always_the_same_is_no_copy() {
    let banner = "starting up, no time here\n".repeat(100);
    let mut world = World::new();
    for start in 0..4 {
        // Nobody looks at some of them before they are rotated.
        world.shift();
        if world.exists("app.log") {
            world.rename("app.log", "app.log.1");
        }
        world.reopen();
        world.write_text(&banner);
        world.write_text(&format!("start {start}\n"));
        if start % 2 == 0 {
            world.drain();
        }
    }
    world.drain();
    let starts: Vec<&String> = world.read.iter().filter(|line| line.starts_with("start ")).collect();
    assert_eq!(starts, ["start 0", "start 1", "start 2", "start 3"]);
}
