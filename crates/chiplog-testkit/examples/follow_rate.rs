//! How fast followed files are read, and how late.
//!
//! A thread appends lines at a given rate and rotates the log each few seconds by renaming; another
//! follows it and takes the time between the writing of a line and its coming.
//!
//! ```text
//! cargo run --release -p chiplog-testkit --example follow_rate -- --lines-per-second 1000000 --seconds 20
//! cargo run --release -p chiplog-testkit --example follow_rate -- --idle-files 1000 --lines-per-second 0
//! ```

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use chiplog_source::{Delivery, FollowOptions, FollowedFiles, Readiness, Source, Wakings};

const USAGE: &str = "usage: follow_rate [--lines-per-second N] [--seconds N] [--idle-files N] [--nested] [--poll] [--directory DIR]";

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

struct Options {
    lines_per_second: u64,
    time: Duration,
    idle_files: usize,
    nested: bool,
    poll: bool,
    directory: std::path::PathBuf,
}

fn main() -> ExitCode {
    match options().and_then(|options| measure(&options)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("follow_rate: {error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn options() -> Result<Options> {
    let mut options = Options {
        lines_per_second: 1_000_000,
        time: Duration::from_secs(20),
        idle_files: 0,
        nested: false,
        poll: false,
        directory: std::env::temp_dir(),
    };
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{flag} needs a value"));
        match flag.as_str() {
            "--lines-per-second" => options.lines_per_second = value()?.parse()?,
            "--seconds" => options.time = Duration::from_secs(value()?.parse()?),
            "--idle-files" => options.idle_files = value()?.parse()?,
            "--nested" => options.nested = true,
            "--poll" => options.poll = true,
            "--directory" => options.directory = value()?.into(),
            _ => return Err(format!("no flag {flag}").into()),
        }
    }
    Ok(options)
}

fn measure(options: &Options) -> Result<()> {
    let directory = options.directory.join(format!("follow-rate-{}", std::process::id()));
    fs::create_dir_all(&directory)?;
    for number in 0..options.idle_files {
        // As the kubelet lays pods out, or all in one directory.
        let place = if options.nested {
            directory.join(format!("ns_pod-{number}_uid/app"))
        } else {
            directory.clone()
        };
        fs::create_dir_all(&place)?;
        let name = if options.nested { "0.log".to_owned() } else { format!("idle{number}.log") };
        fs::write(place.join(name), "2024-05-14T03:00:00Z an idle log\n".repeat(100))?;
    }
    let begin = Instant::now();
    let stop = Arc::new(AtomicBool::new(false));
    let writer = (options.lines_per_second > 0).then(|| {
        let (stop, rate, path) = (Arc::clone(&stop), options.lines_per_second, directory.join("busy.log"));
        thread::spawn(move || write(&path, rate, begin, &stop))
    });

    let mut globs = vec![format!("{}/*.log", directory.display())];
    if options.nested {
        globs.push(format!("{}/*/*/*.log", directory.display()));
    }
    let mut follow = FollowOptions::new("files", globs);
    follow.poll_only = options.poll;
    let mut files = FollowedFiles::new(follow, None)?;
    let (waker, wakings) = Wakings::new();
    // One stays here, so that waiting waits where nothing is watched.
    files.watch(waker.clone());
    let mut tally = Tally::default();
    while files.poll(&mut |_| {})? == Readiness::More && options.lines_per_second == 0 {}
    let (cpu, started) = (cpu_ticks("thread-self")?, Instant::now());
    let whole = cpu_ticks("self")?;
    while begin.elapsed() < options.time {
        let readiness = files.poll(&mut |delivery| tally.take(delivery, begin))?;
        if readiness == Readiness::Idle {
            wakings.wait(Duration::from_millis(100));
        }
    }
    stop.store(true, Ordering::Relaxed);
    let written =
        writer.map(|writer| writer.join().map_err(|_| "the writer failed")).transpose()?.transpose()?;
    let seconds = started.elapsed().as_secs_f64();
    let cpu = (cpu_ticks("thread-self")? - cpu) as f64;
    let whole = (cpu_ticks("self")? - whole) as f64;
    // What was written last may be looked at a poll later.
    let patience = Instant::now();
    while tally.lines < written.unwrap_or(0) && patience.elapsed() < Duration::from_secs(15) {
        files.poll(&mut |delivery| tally.take(delivery, begin))?;
        thread::sleep(Duration::from_millis(1));
    }
    tally.lags.sort_unstable();
    let lag = |share: f64| {
        let at = (tally.lags.len() as f64 * share) as usize;
        tally.lags.get(at.min(tally.lags.len().saturating_sub(1))).map_or(0.0, |nanos| *nanos as f64 / 1e6)
    };
    println!("lines read       {} of {}", tally.lines, written.unwrap_or(0));
    println!("lines a second   {:.0}", tally.lines as f64 / seconds);
    println!("bytes a second   {:.0}", tally.bytes as f64 / seconds);
    println!("lag              p50 {:.1} ms, p99 {:.1} ms, worst {:.1} ms", lag(0.5), lag(0.99), lag(1.0));
    println!("core of reader   {:.2} %", cpu / seconds);
    println!("core of process  {:.2} %", whole / seconds);
    drop(waker);
    println!("resident         {}", resident()?);
    fs::remove_dir_all(&directory)?;
    Ok(())
}

#[derive(Default)]
struct Tally {
    lines: u64,
    bytes: u64,
    /// Of the first line of each block, which is the latest to come.
    lags: Vec<u64>,
}

impl Tally {
    fn take(&mut self, delivery: Delivery<'_>, begin: Instant) {
        match delivery {
            Delivery::Lines { stream, block } if stream.name.ends_with("busy.log") => {
                self.bytes += block.bytes.len() as u64;
                self.lines += block.lines();
                let time = block.bytes.get(..16).and_then(|time| str::from_utf8(time).ok());
                if let Some(written) = time.and_then(|time| time.parse::<u64>().ok()) {
                    self.lags
                        .push(u64::try_from(begin.elapsed().as_nanos()).unwrap_or(0).saturating_sub(written));
                }
            }
            Delivery::Warning(text) => eprintln!("{text}"),
            Delivery::Lost { stream, loss } => eprintln!("{}: {loss:?}", stream.name),
            _ => {}
        }
    }
}

/// Appends lines every millisecond, each with the time of its writing.
fn write(path: &Path, rate: u64, begin: Instant, stop: &AtomicBool) -> Result<u64> {
    let open = || OpenOptions::new().create(true).append(true).open(path);
    let mut file: File = open()?;
    let (mut written, mut text, mut rotated) = (0, Vec::new(), Instant::now());
    while !stop.load(Ordering::Relaxed) {
        let due = u64::try_from(begin.elapsed().as_micros())? * rate / 1_000_000;
        text.clear();
        let nanos = begin.elapsed().as_nanos();
        let until = due.min(written + 100_000);
        for number in written..until {
            writeln!(
                text,
                "{nanos:016} I0514 03:00:00.000001    2588 kubelet.go:2421] \"SyncLoop (PLEG): event for pod\" number={number}"
            )?;
        }
        written = written.max(until);
        file.write_all(&text)?;
        if rotated.elapsed() > Duration::from_secs(3) {
            rotated = Instant::now();
            // Two old ones are enough.
            let old = |number: u32| path.with_extension(format!("log.{number}"));
            if old(1).exists() {
                fs::rename(old(1), old(2))?;
            }
            fs::rename(path, old(1))?;
            file = open()?;
        }
        thread::sleep(Duration::from_millis(1));
    }
    Ok(written)
}

/// Hundredths of a second that a thread or process was on a core.
fn cpu_ticks(who: &str) -> Result<u64> {
    let stat = fs::read_to_string(format!("/proc/{who}/stat"))?;
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    // Fields 14 and 15 of proc(5); the name, which may hold anything, is the second.
    Ok(fields.get(11).ok_or("no time")?.parse::<u64>()? + fields.get(12).ok_or("no time")?.parse::<u64>()?)
}

fn resident() -> Result<String> {
    let status = fs::read_to_string("/proc/self/status")?;
    let line = status.lines().find(|line| line.starts_with("VmHWM")).unwrap_or_default();
    Ok(line.trim_start_matches("VmHWM:").trim().to_owned())
}
