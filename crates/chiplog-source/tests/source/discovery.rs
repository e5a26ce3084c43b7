use std::fs;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, UNIX_EPOCH};

use chiplog_source::{Input, InputKind, SkipReason, Skipped, discover};

fn directory() -> tempfile::TempDir {
    tempfile::tempdir().unwrap()
}

fn write(path: &Path, bytes: impl AsRef<[u8]>) -> PathBuf {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
    path.to_owned()
}

/// The paths of the inputs below `root`, with `/` between names.
fn names(inputs: &[Input], root: &Path) -> Vec<String> {
    let relative = |input: &Input| input.path().unwrap().strip_prefix(root).unwrap().to_owned();
    inputs.iter().map(|input| relative(input).to_str().unwrap().replace('\\', "/")).collect()
}

fn reasons(skipped: &[Skipped]) -> Vec<String> {
    skipped.iter().map(|skipped| format!("{:?}", skipped.reason)).collect()
}

#[test]
fn a_directory_is_walked_in_byte_order() {
    let root = directory();
    for name in ["b.log", "a.log", "a/z", "a/b/c", "Z", "a.log.1", "é.log"] {
        write(&root.path().join(name), "line\n");
    }
    let (inputs, skipped) = discover([root.path()]);
    assert_eq!(names(&inputs, root.path()), ["Z", "a/b/c", "a/z", "a.log", "a.log.1", "b.log", "é.log"]);
    assert!(skipped.is_empty());
}

#[test]
fn inputs_know_their_size_and_time_and_count_what_is_read() {
    let root = directory();
    let path = write(&root.path().join("x.log"), "one\ntwo\n");
    let time = UNIX_EPOCH + Duration::new(1_558_428_328, 353_927_000);
    fs::File::options().write(true).open(&path).unwrap().set_modified(time).unwrap();
    write(&root.path().join("y.log"), "");

    let (inputs, _) = discover([root.path()]);
    assert_eq!(inputs.len(), 2, "an empty file is an input");
    let input = &inputs[0];
    assert_eq!(input.kind(), &InputKind::File(path));
    assert_eq!(input.modified_unix_nanos(), Some(1_558_428_328_353_927_000));
    assert_eq!(input.total_bytes(), Some(8));
    assert!(!input.is_live());
    let mut open = input.open().unwrap();
    assert_eq!(open.raw_bytes.load(Ordering::Relaxed), 0);
    let mut text = String::new();
    open.reader.read_to_string(&mut text).unwrap();
    assert_eq!(text, "one\ntwo\n");
    assert_eq!(Some(open.raw_bytes.load(Ordering::Relaxed)), open.total_bytes);
}

#[test]
fn standard_input_is_a_dash_and_is_read_once() {
    let (inputs, skipped) = discover(["-", "-"]);
    assert_eq!(inputs, [Input::stdin()]);
    assert!(inputs[0].is_live());
    assert!(matches!(&skipped[0].reason, SkipReason::SameAs(path) if path == Path::new("-")));
}

#[test]
fn a_missing_path_does_not_stop_the_others() {
    let root = directory();
    let there = write(&root.path().join("there.log"), "line\n");
    let missing = root.path().join("missing.log");
    let (inputs, skipped) = discover([&missing, &there]);
    assert_eq!(names(&inputs, root.path()), ["there.log"]);
    assert_eq!((&skipped[0].path, skipped[0].named), (&missing, true));
    assert!(matches!(skipped[0].reason, SkipReason::Unreadable(_)));
    assert!(skipped[0].reason.to_string().starts_with("cannot be read: "));
}

#[test]
fn contents_decide() {
    let root = directory();
    let mut tar = vec![0; 512];
    tar[..8].copy_from_slice(b"file.log");
    tar[257..263].copy_from_slice(b"ustar\0");
    let mut gzipped_tar = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzipped_tar.write_all(&tar).unwrap();

    write(&root.path().join("a.log"), &tar);
    write(&root.path().join("b.log.gz"), gzipped_tar.finish().unwrap());
    write(&root.path().join("c.log"), b"PK\x03\x04...");
    write(&root.path().join("d.log"), b"LPKSHHRH\0\0\0\0");
    write(&root.path().join("e.log"), b"\xff\xfeI\x000\0");
    write(&root.path().join("f.log"), b"\x7fELF\x02\x01\x01\0\0\0\0\0\0\0\0\0\x03\0\x3e\0\x01");
    let (inputs, skipped) = discover([root.path()]);
    assert_eq!(names(&inputs, root.path()), ["a.log", "b.log.gz", "c.log", "d.log"], "archives, a journal");
    assert!(inputs.iter().any(|input| matches!(input.kind(), InputKind::Journal { .. })));
    assert_eq!(reasons(&skipped), ["Utf16", "Binary"]);
    assert!(skipped.iter().all(|skipped| !skipped.named && skipped.reason.hint().is_some()));

    let named: Vec<PathBuf> = skipped.into_iter().map(|skipped| skipped.path).collect();
    let (inputs, skipped) = discover(&named);
    assert_eq!(names(&inputs, root.path()), ["f.log"], "a binary file that is named is read");
    assert!(matches!(skipped[0].reason, SkipReason::Utf16));
    assert!(skipped.iter().all(|skipped| skipped.named));
}

#[test]
fn runs_of_nuls_do_not_make_a_log_binary() {
    let root = directory();
    let line = b"{\"log\":\"line\\n\",\"stream\":\"stdout\",\"time\":\"2019-05-21T08:45:28.353927Z\"}\n";
    let after_crash = [&line[..], &[0; 3500], line].concat();
    let truncated_under_its_writer = [&[0; 20_000][..], &line.repeat(60)].concat();
    write(&root.path().join("crash.log"), &after_crash);
    write(&root.path().join("holes.log"), &truncated_under_its_writer);
    write(&root.path().join("lastlog"), vec![0; 20_000]);
    write(&root.path().join("some.log"), [&line[..], b"\0\0\0\0", line].concat());
    let (inputs, skipped) = discover([root.path()]);
    assert_eq!(names(&inputs, root.path()), ["crash.log", "holes.log", "some.log"]);
    assert_eq!(reasons(&skipped), ["Binary"]);
}

#[test]
fn a_damaged_compressed_file_is_an_input() {
    let root = directory();
    write(&root.path().join("a.gz"), b"\x1f\x8b\x08\0\0\0\0\0\0\xff\xff\xff\xff");
    let (inputs, skipped) = discover([root.path()]);
    assert!(skipped.is_empty());
    assert!(inputs[0].open().unwrap().reader.read_to_end(&mut Vec::new()).is_err());
}

#[cfg(unix)]
mod unix {
    use std::os::unix::ffi::OsStrExt;
    use std::os::unix::fs::{PermissionsExt, symlink};
    use std::os::unix::net::UnixListener;

    use super::*;

    #[test]
    fn links_are_followed_and_loops_end() {
        let root = directory();
        let outside = directory();
        write(&outside.path().join("linked.log"), "line\n");
        write(&root.path().join("a/x.log"), "line\n");
        symlink(root.path(), root.path().join("a/loop")).unwrap();
        symlink(outside.path(), root.path().join("b")).unwrap();
        symlink("nowhere", root.path().join("dangling")).unwrap();
        symlink("self", root.path().join("self")).unwrap();
        let (inputs, skipped) = discover([root.path()]);
        assert_eq!(names(&inputs, root.path()), ["a/x.log", "b/linked.log"]);
        assert!(matches!(&skipped[0].reason, SkipReason::SameAs(path) if path == root.path()));
        assert!(matches!(skipped[1].reason, SkipReason::Unreadable(_)));
        assert!(matches!(skipped[2].reason, SkipReason::Unreadable(_)));
        assert_eq!(skipped.len(), 3);
    }

    #[test]
    fn a_file_with_two_names_is_read_once() {
        let root = directory();
        let real = write(&root.path().join("pods/web/0.log"), "line\n");
        fs::create_dir(root.path().join("containers")).unwrap();
        symlink(&real, root.path().join("containers/web.log")).unwrap();
        fs::hard_link(&real, root.path().join("zzz.log")).unwrap();
        let (inputs, skipped) = discover([root.path(), &real]);
        assert_eq!(names(&inputs, root.path()), ["containers/web.log"]);
        assert_eq!(skipped.len(), 3);
        assert!(skipped.iter().all(|skipped| matches!(skipped.reason, SkipReason::SameAs(_))));
    }

    #[test]
    fn devices_and_sockets_in_a_directory_are_left_alone_and_named_ones_are_streams() {
        let root = directory();
        let socket = root.path().join("socket");
        let _listener = UnixListener::bind(&socket).unwrap();
        symlink("/dev/null", root.path().join("null")).unwrap();
        let (inputs, skipped) = discover([root.path()]);
        assert!(inputs.is_empty());
        assert_eq!(reasons(&skipped), ["NotAFile", "NotAFile"]);

        let (inputs, _) = discover(["/dev/null"]);
        assert_eq!(inputs[0].kind(), &InputKind::Stream("/dev/null".into()));
        assert!(inputs[0].is_live() && inputs[0].total_bytes().is_none());
        assert_eq!(inputs[0].open().unwrap().reader.read(&mut [0; 9]).unwrap(), 0);
    }

    #[test]
    fn a_name_need_not_be_utf8() {
        let root = directory();
        let name = std::ffi::OsStr::from_bytes(b"\xff\n.log");
        // Some file systems refuse such names; then there is nothing to test.
        if fs::write(root.path().join(name), "line\n").is_ok() {
            let (inputs, _) = discover([root.path()]);
            assert_eq!(inputs[0].path().unwrap().file_name(), Some(name));
        }
    }

    #[test]
    fn what_may_not_be_read_is_reported() {
        let root = directory();
        let closed = write(&root.path().join("closed.log"), "line\n");
        let folder = root.path().join("closed");
        write(&folder.join("inside.log"), "line\n");
        write(&root.path().join("open.log"), "line\n");
        fs::set_permissions(&closed, fs::Permissions::from_mode(0o000)).unwrap();
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o000)).unwrap();
        let privileged = fs::File::open(&closed).is_ok();
        let (inputs, skipped) = discover([root.path()]);
        fs::set_permissions(&folder, fs::Permissions::from_mode(0o700)).unwrap();
        if privileged {
            assert_eq!(inputs.len(), 3, "root may read everything");
        } else {
            assert_eq!(names(&inputs, root.path()), ["open.log"]);
            assert_eq!(skipped.len(), 2);
            assert!(skipped.iter().all(|skipped| skipped.reason.hint().is_some()));
        }
    }
}
