//! Proves that `chiplog watch` counts each line once: it writes logs whose truth it knows, rotates
//! them in every way that it can think of, kills the daemon at random instants and starts it again,
//! and compares.
//!
//! ```text
//! cargo build --release && cargo run --release -p chiplog-testkit --example follow_stress -- --seeds 20 --seconds 300
//! ```
//!
//! With `--source-only`, a process that does nothing but count what [`FollowedFiles`] hands over takes
//! the place of `chiplog watch`: it tells which lines are missing or came twice.
//!
//! Exit code 1 when a count differs, 2 when it could not run. A directory whose counts differ is kept.
//! Losses are expected: of a log that was removed while the daemon was dead nobody can know that all
//! of it had been read.

use std::error::Error;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitCode, Stdio};
use std::time::{Duration, Instant};
use std::{env, thread};

use chiplog_source::{Delivery, FollowOptions, FollowedFiles, Readiness, Source, Wakings};
use chiplog_testkit::Rng;

const USAGE: &str = "usage: follow_stress [--seeds N] [--first-seed N] [--seconds N] [--jobs N] [--source-only] \
[--chiplog PATH] [--directory DIR] [--poll]";

/// What each line may hold, and how often of a thousand.
const WORDS: [(&str, u64); 3] = [("alpha", 300), ("beta", 100), ("gamma", 7)];

type Result<T> = std::result::Result<T, Box<dyn Error + Send + Sync>>;

#[derive(Clone)]
struct Options {
    seeds: u64,
    first_seed: u64,
    time: Duration,
    jobs: usize,
    chiplog: PathBuf,
    directory: PathBuf,
    poll: bool,
    source_only: bool,
}

fn main() -> ExitCode {
    if let [_, flag, directory, poll] = &env::args().collect::<Vec<_>>()[..]
        && flag == COUNT
    {
        let outcome = count(Path::new(directory), poll == "true");
        return outcome.map_or_else(
            |error| {
                eprintln!("follow_stress: {error}");
                ExitCode::from(2)
            },
            |()| ExitCode::SUCCESS,
        );
    }
    let options = match options() {
        Ok(options) => options,
        Err(error) => {
            eprintln!("follow_stress: {error}\n{USAGE}");
            return ExitCode::from(2);
        }
    };
    println!(
        "{:>5} {:>10} {:>7} {:>7} {:>7} {:>6} {:>8} {:>6} {:>6}  hits of each rule, read and written",
        "seed", "lines", "renames", "cuts", "removes", "packs", "restarts", "kills", "losses",
    );
    let seeds: Vec<u64> = (options.first_seed..options.first_seed + options.seeds).collect();
    let (mut failed, mut broken) = (0, false);
    for batch in seeds.chunks(options.jobs) {
        let running: Vec<_> = batch
            .iter()
            .map(|&seed| {
                let options = options.clone();
                thread::spawn(move || Run::new(seed, options).and_then(Run::run))
            })
            .collect();
        for (seed, run) in batch.iter().zip(running) {
            match run.join() {
                Ok(Ok(true)) => {}
                Ok(Ok(false)) => failed += 1,
                Ok(Err(error)) => {
                    eprintln!("seed {seed}: {error}");
                    broken = true;
                }
                Err(_) => broken = true,
            }
        }
    }
    if broken {
        return ExitCode::from(2);
    }
    println!("{} of {} seeds agree", options.seeds - failed, options.seeds);
    ExitCode::from(u8::from(failed > 0))
}

fn options() -> Result<Options> {
    // Examples are built one directory below the program.
    let beside = env::current_exe()?.ancestors().nth(2).map(|target| target.join("chiplog"));
    let mut options = Options {
        seeds: 20,
        first_seed: 1,
        time: Duration::from_secs(300),
        jobs: 20,
        chiplog: beside.unwrap_or_default(),
        directory: env::temp_dir(),
        poll: false,
        source_only: false,
    };
    let mut arguments = env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{flag} needs a value"));
        match flag.as_str() {
            "--seeds" => options.seeds = value()?.parse()?,
            "--first-seed" => options.first_seed = value()?.parse()?,
            "--seconds" => options.time = Duration::from_secs(value()?.parse()?),
            "--jobs" => options.jobs = value()?.parse::<usize>()?.max(1),
            "--chiplog" => options.chiplog = value()?.into(),
            "--directory" => options.directory = value()?.into(),
            "--poll" => options.poll = true,
            "--source-only" => options.source_only = true,
            _ => return Err(format!("no flag {flag}").into()),
        }
    }
    if !options.source_only && !options.chiplog.is_file() {
        return Err(format!("{} does not exist: cargo build --release", options.chiplog.display()).into());
    }
    Ok(options)
}

/// One seed: logs, a daemon, and the truth.
struct Run {
    seed: u64,
    rng: Rng,
    options: Options,
    directory: PathBuf,
    daemon: Option<Child>,
    logs: Vec<Log>,
    lines: u64,
    /// Lines that hold each word.
    truth: [u64; WORDS.len()],
    counts: Counts,
}

#[derive(Default)]
struct Counts {
    renames: u64,
    cuts: u64,
    removes: u64,
    packs: u64,
    restarts: u64,
    kills: u64,
}

/// One log and its writer.
struct Log {
    path: PathBuf,
    rotation: Rotation,
    writer: Option<File>,
    /// The writer has the renamed file, until then.
    reopens: Option<Instant>,
    next_act: Instant,
    /// Bytes since the last rotation.
    size: u64,
    /// Rotations so far.
    rotations: u64,
}

/// How a log is rotated.
#[derive(Clone, Copy)]
enum Rotation {
    /// `.1`, `.2`; renamed or copied and cut, as it comes.
    Numbers,
    /// `-YYYYMMDD-SECONDS`
    Dates,
    /// As the kubelet does it.
    Kubelet,
    /// Removed and made anew, which gives the inode to the next file.
    Removal,
}

impl Run {
    fn new(seed: u64, options: Options) -> Result<Run> {
        let directory = options.directory.join(format!("follow-stress-{}-{seed}", std::process::id()));
        fs::create_dir_all(directory.join("logs"))?;
        let mut rules = File::create(directory.join("rules.toml"))?;
        for (word, _) in WORDS {
            writeln!(
                rules,
                "[[rule]]\nid = \"{word}\"\nseverity = \"warning\"\ntitle = \"{word}\"\nmatch = {{ contains = \"says {word}\" }}\n\
                 window = {{ span = \"1m\" }}\nopen = \"count >= 1000000000\"\nclose = \"count == 0 for 5m\"\n"
            )?;
        }
        let now = Instant::now();
        let rotations =
            [Rotation::Numbers, Rotation::Numbers, Rotation::Dates, Rotation::Kubelet, Rotation::Removal];
        let logs = rotations.iter().enumerate().map(|(at, rotation)| Log {
            path: directory.join(format!("logs/app{at}.log")),
            rotation: *rotation,
            writer: None,
            reopens: None,
            next_act: now,
            size: 0,
            rotations: 0,
        });
        Ok(Run {
            seed,
            rng: Rng::new(seed),
            logs: logs.collect(),
            options,
            directory,
            daemon: None,
            lines: 0,
            truth: [0; WORDS.len()],
            counts: Counts::default(),
        })
    }

    fn run(mut self) -> Result<bool> {
        let waited = self.live();
        if self.daemon.is_none() {
            self.start()?;
        }
        let lines = self.lines;
        let waited = waited.and_then(|()| self.wait_until(|run| Ok(run.saved_lines()? >= lines)));
        // Once more, if a line is counted twice.
        thread::sleep(Duration::from_secs(4));
        self.kill();
        let agrees = self.report()?;
        if agrees {
            waited?;
            fs::remove_dir_all(&self.directory)?;
        } else {
            eprintln!("seed {}: kept in {}", self.seed, self.directory.display());
        }
        Ok(agrees)
    }

    /// Writes, rotates, kills.
    fn live(&mut self) -> Result<()> {
        self.start()?;
        // What is rotated before anything was saved is history for the next run.
        for at in 0..self.logs.len() {
            self.write(at, 10)?;
        }
        self.wait_until(|run| Ok(run.saved_lines()? >= run.lines))?;
        let end = Instant::now() + self.options.time;
        let mut next_kill = Instant::now();
        while Instant::now() < end {
            for at in 0..self.logs.len() {
                if Instant::now() >= self.logs[at].next_act {
                    self.act(at)?;
                    let pause = self.rng.log_normal(20_000, 2_500).min(2_000_000);
                    self.logs[at].next_act = Instant::now() + Duration::from_micros(pause);
                }
            }
            if Instant::now() >= next_kill {
                self.kill_or_start()?;
                // Mostly short lives, some long; dead for a moment or for seconds.
                let pause = self.rng.log_normal(600_000, 1_800).min(12_000_000);
                next_kill = Instant::now() + Duration::from_micros(pause);
            }
            thread::sleep(Duration::from_micros(500));
        }
        Ok(())
    }

    fn start(&mut self) -> Result<()> {
        let log = OpenOptions::new().create(true).append(true).open(self.directory.join("watch.log"))?;
        if self.options.source_only {
            let mut command = Command::new(env::current_exe()?);
            command.arg(COUNT).arg(&self.directory).arg(self.options.poll.to_string());
            command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
            self.daemon = Some(command.spawn()?);
            self.counts.restarts += 1;
            return Ok(());
        }
        let mut command = Command::new(&self.options.chiplog);
        command.args(["watch", "--no-builtin", "--checkpoint-interval", "200ms"]);
        command.arg("--rules").arg(self.directory.join("rules.toml"));
        command.arg("--state").arg(self.directory.join("state"));
        command.arg("--file").arg(self.directory.join("logs/*.log"));
        if self.options.poll {
            command.arg("--poll");
        }
        command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        self.daemon = Some(command.spawn()?);
        self.counts.restarts += 1;
        Ok(())
    }

    fn kill(&mut self) {
        if let Some(mut daemon) = self.daemon.take() {
            // A daemon that ended by itself shows in what it did not count.
            let _ = daemon.kill();
            let _ = daemon.wait();
            self.counts.kills += 1;
        }
    }

    fn kill_or_start(&mut self) -> Result<()> {
        if self.daemon.is_some() {
            self.kill();
            // Half the time at once.
            if self.rng.below(2) == 0 {
                return Ok(());
            }
        }
        self.start()
    }

    /// Something happens to one log.
    fn act(&mut self, at: usize) -> Result<()> {
        if let Some(reopens) = self.logs[at].reopens {
            if Instant::now() >= reopens {
                self.logs[at].writer = None;
                self.logs[at].reopens = None;
            }
        } else if self.logs[at].size > 200_000 + self.rng.below(800_000) || self.rng.below(400) == 0 {
            return self.rotate(at);
        }
        if self.rng.below(60) == 0 {
            self.pack(at)?;
        }
        let lines = self.rng.log_normal(20, 2_000).min(5_000);
        self.write(at, lines)
    }

    fn write(&mut self, at: usize, lines: u64) -> Result<()> {
        let mut text = Vec::new();
        for _ in 0..lines {
            let now = self.lines;
            self.lines += 1;
            let word = self.rng.below(1000);
            let mut word_from = 0;
            let mut says = "nothing";
            for (which, (name, share)) in WORDS.iter().enumerate() {
                if (word_from..word_from + share).contains(&word) {
                    says = name;
                    self.truth[which] += 1;
                }
                word_from += share;
            }
            let length = self.rng.log_normal(60, 1_500).min(3_000) as usize;
            // Second by second, so that no line is late.
            let (hour, minute, second) = (now / 3_600_000 % 24, now / 60_000 % 60, now / 1_000 % 60);
            writeln!(
                text,
                "2024-05-14T{hour:02}:{minute:02}:{second:02}Z node app: line {now} of {} says {says} {:.>length$}",
                self.seed, ""
            )?;
        }
        let log = &mut self.logs[at];
        if log.writer.is_none() {
            log.writer = Some(OpenOptions::new().create(true).append(true).open(&log.path)?);
        }
        let writer = log.writer.as_mut().ok_or("there is a writer")?;
        log.size += text.len() as u64;
        // Sometimes in pieces that end within lines.
        while self.rng.below(4) == 0 && text.len() > 1 {
            let piece = 1 + self.rng.below(text.len() as u64 - 1) as usize;
            writer.write_all(&text[..piece])?;
            text.drain(..piece);
            thread::sleep(Duration::from_micros(self.rng.below(2_000)));
        }
        writer.write_all(&text)?;
        Ok(())
    }

    fn rotate(&mut self, at: usize) -> Result<()> {
        if self.logs[at].writer.is_none() {
            return Ok(());
        }
        self.logs[at].size = 0;
        self.logs[at].rotations += 1;
        let path = self.logs[at].path.clone();
        let number = self.logs[at].rotations;
        let to = match self.logs[at].rotation {
            Rotation::Numbers => {
                shift(&path)?;
                suffixed(&path, ".1")
            }
            Rotation::Dates => suffixed(&path, &format!("-20240514-{}", 1_715_648_000 + number)),
            Rotation::Kubelet => suffixed(
                &path,
                &format!(".20240514-{:02}{:02}{:02}", number / 3600, number / 60 % 60, number % 60),
            ),
            Rotation::Removal => return self.remove(at),
        };
        if matches!(self.logs[at].rotation, Rotation::Kubelet) || self.rng.below(2) == 0 {
            fs::rename(&path, &to)?;
            self.counts.renames += 1;
            // The writer may be told later.
            let later =
                Duration::from_micros(self.rng.below(3) * self.rng.log_normal(50_000, 1_500).min(3_000_000));
            self.logs[at].reopens = Some(Instant::now() + later);
        } else {
            fs::copy(&path, &to)?;
            if self.rng.below(2) == 0 {
                thread::sleep(Duration::from_micros(self.rng.below(20_000)));
            }
            OpenOptions::new().write(true).open(&path)?.set_len(0)?;
            self.counts.cuts += 1;
            if self.rng.below(2) == 0 {
                // Past the old place before anyone looks.
                self.write(at, 3_000)?;
            }
        }
        self.discard(at)
    }

    /// Removes a log that was read and saved, and writes it anew.
    fn remove(&mut self, at: usize) -> Result<()> {
        if self.daemon.is_none() {
            self.start()?;
        }
        let lines = self.lines;
        self.wait_until(|run| Ok(run.saved_lines()? >= lines))?;
        self.logs[at].writer = None;
        fs::remove_file(&self.logs[at].path)?;
        self.counts.removes += 1;
        self.write(at, 50)
    }

    /// Compresses a rotated file that nobody writes to.
    fn pack(&mut self, at: usize) -> Result<()> {
        let mut rotated = rotated(&self.logs[at].path)?;
        rotated.retain(|path| !is_packed(path));
        if self.logs[at].reopens.is_some() {
            // The youngest is still written to.
            let young = rotated
                .iter()
                .max_by_key(|path| fs::metadata(path).and_then(|meta| meta.modified()).ok())
                .cloned();
            rotated.retain(|path| Some(path) != young.as_ref());
        }
        if rotated.is_empty() {
            return Ok(());
        }
        let path = self.rng.pick(&rotated).clone();
        if matches!(self.logs[at].rotation, Rotation::Numbers) && self.logs[at].reopens.is_some() {
            return Ok(());
        }
        let (suffix, program) = if self.rng.below(2) == 0 { (".gz", "gzip") } else { (".zst", "zstd") };
        let text = fs::read(&path)?;
        let packed = if program == "gzip" {
            let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
            encoder.write_all(&text)?;
            encoder.finish()?
        } else {
            ruzstd::encoding::compress_to_vec(&text[..], ruzstd::encoding::CompressionLevel::Fastest)
        };
        let kubelet = matches!(self.logs[at].rotation, Rotation::Kubelet);
        let to = if kubelet { suffixed(&path, ".tmp") } else { suffixed(&path, suffix) };
        let mut file = File::create(&to)?;
        for piece in packed.chunks(1 + packed.len() / 3) {
            file.write_all(piece)?;
            thread::sleep(Duration::from_micros(self.rng.below(10_000)));
        }
        if kubelet {
            fs::rename(&to, suffixed(&path, suffix))?;
        }
        fs::remove_file(&path)?;
        self.counts.packs += 1;
        Ok(())
    }

    /// Removes the oldest rotations, once all there is was read and saved.
    fn discard(&mut self, at: usize) -> Result<()> {
        let there = rotated(&self.logs[at].path)?;
        if there.len() < 25 {
            return Ok(());
        }
        if self.daemon.is_none() {
            self.start()?;
        }
        let lines = self.lines;
        self.wait_until(|run| Ok(run.saved_lines()? >= lines))?;
        let mut there = rotated(&self.logs[at].path)?;
        there.sort_by_key(|path| fs::metadata(path).and_then(|meta| meta.modified()).ok());
        for path in &there[..15] {
            fs::remove_file(path)?;
        }
        Ok(())
    }

    fn wait_until(&mut self, mut is_so: impl FnMut(&Run) -> Result<bool>) -> Result<()> {
        let deadline = Instant::now() + Duration::from_secs(120);
        while !is_so(self)? {
            if Instant::now() > deadline {
                return Err(format!("lines were not read in time, see {}", self.directory.display()).into());
            }
            thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    fn state(&self) -> Result<Option<serde_json::Value>> {
        if self.options.source_only {
            return Ok(Counted::load(&self.directory)?.map(|counted| counted.report()));
        }
        let output = Command::new(&self.options.chiplog)
            .args(["state", "show", "--json"])
            .arg(self.directory.join("state"))
            .stderr(Stdio::null())
            .output()?;
        // There is none before the first was saved.
        Ok(if output.status.success() { Some(serde_json::from_slice(&output.stdout)?) } else { None })
    }

    fn saved_lines(&self) -> Result<u64> {
        let Some(state) = self.state()? else { return Ok(0) };
        let streams = state["streams"].as_array().map_or(&[][..], Vec::as_slice);
        Ok(streams.iter().filter_map(|stream| stream["lines"].as_u64()).sum())
    }

    /// Prints what came out. True if all agrees.
    fn report(&self) -> Result<bool> {
        let state = self.state()?.ok_or("no state was saved")?;
        let rules = state["rules"].as_array().map_or(&[][..], Vec::as_slice);
        let hits = WORDS.map(|(word, _)| {
            rules
                .iter()
                .find(|rule| rule["rule_id"] == word)
                .and_then(|rule| rule["hits"].as_u64())
                .unwrap_or(0)
        });
        let lines = self.saved_lines()?;
        let losses = state["losses"].as_array().map_or(0, Vec::len);
        let agrees = hits == self.truth && lines == self.lines;
        let Counts { renames, cuts, removes, packs, restarts, kills } = self.counts;
        let pairs: Vec<String> = WORDS
            .iter()
            .zip(hits.iter().zip(self.truth))
            .map(|((word, _), (hits, truth))| format!("{word} {hits}/{truth}"))
            .collect();
        let verdict = if agrees { String::new() } else { format!("  DIFFERS: {lines} lines read") };
        println!(
            "{:>5} {:>10} {renames:>7} {cuts:>7} {removes:>7} {packs:>6} {restarts:>8} {kills:>6} {losses:>6}  {}{verdict}",
            self.seed,
            self.lines,
            pairs.join(" ")
        );
        io::stdout().flush()?;
        if !agrees && let Some(counted) = Counted::load(&self.directory)? {
            counted.explain(self.lines);
        }
        Ok(agrees)
    }
}

/// The argument by which this program counts instead.
const COUNT: &str = "--count";

/// What the counting process has counted, and where it stands.
#[derive(Default)]
struct Counted {
    cursor: Option<serde_json::Value>,
    losses: u64,
    hits: [u64; WORDS.len()],
    /// How often each line came.
    lines: Vec<u8>,
}

impl Counted {
    fn load(directory: &Path) -> Result<Option<Counted>> {
        let saved = match fs::read(directory.join("counted")) {
            Ok(saved) => saved,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error.into()),
        };
        let end = saved.iter().position(|byte| *byte == b'\n').ok_or("no end of the cursor")?;
        let head: serde_json::Value = serde_json::from_slice(&saved[..end])?;
        let mut counted = Counted { lines: saved[end + 1..].to_vec(), ..Counted::default() };
        counted.cursor = Some(head["cursor"].clone());
        counted.losses = head["losses"].as_u64().unwrap_or(0);
        for (hits, saved) in counted.hits.iter_mut().zip(head["hits"].as_array().into_iter().flatten()) {
            *hits = saved.as_u64().unwrap_or(0);
        }
        Ok(Some(counted))
    }

    fn save(&self, directory: &Path) -> Result<()> {
        let head = serde_json::json!({ "cursor": self.cursor, "losses": self.losses, "hits": self.hits });
        let mut file = File::create(directory.join("counted.new"))?;
        writeln!(file, "{head}")?;
        file.write_all(&self.lines)?;
        fs::rename(directory.join("counted.new"), directory.join("counted"))?;
        Ok(())
    }

    fn take(&mut self, delivery: Delivery<'_>) {
        match delivery {
            Delivery::Lines { block, .. } => {
                for line in block.bytes.split_inclusive(|byte| *byte == b'\n') {
                    let line = String::from_utf8_lossy(line);
                    let number = line.split(' ').nth(4).and_then(|number| number.parse::<usize>().ok());
                    let Some(number) = number.filter(|_| line.ends_with('\n')) else {
                        eprintln!("no line: {line:?}");
                        continue;
                    };
                    if number >= self.lines.len() {
                        self.lines.resize(number + 1, 0);
                    }
                    self.lines[number] = self.lines[number].saturating_add(1);
                    for (hits, (word, _)) in self.hits.iter_mut().zip(WORDS) {
                        *hits += u64::from(line.contains(&format!("says {word}")));
                    }
                }
            }
            Delivery::Lost { stream, loss } => {
                self.losses += 1;
                eprintln!("{:?} lost {loss:?} of {}", std::time::SystemTime::now(), stream.name);
            }
            Delivery::Ended { stream } => eprintln!("ended {}", stream.name),
            Delivery::Warning(text) => eprintln!("{text}"),
        }
    }

    /// In the words of `chiplog state show --json`.
    fn report(&self) -> serde_json::Value {
        let lines: u64 = self.lines.iter().map(|times| u64::from(*times)).sum();
        let rules: Vec<_> = WORDS
            .iter()
            .zip(self.hits)
            .map(|((word, _), hits)| serde_json::json!({ "rule_id": word, "hits": hits }))
            .collect();
        let losses = vec![0; usize::try_from(self.losses).unwrap_or(0)];
        serde_json::json!({ "rules": rules, "streams": [{ "lines": lines }], "losses": losses })
    }

    /// Says which lines are missing or came too often.
    fn explain(&self, lines: u64) {
        let times = |at: usize| self.lines.get(at).copied().unwrap_or(0);
        let mut at = 0;
        let end = usize::try_from(lines).unwrap_or(usize::MAX);
        while at < end {
            let from = at;
            while at < end && times(at) == times(from) {
                at += 1;
            }
            if times(from) != 1 {
                println!("      lines {from} to {} came {} times", at - 1, times(from));
            }
        }
    }
}

/// Counts what is followed until it is killed.
fn count(directory: &Path, poll_only: bool) -> Result<()> {
    let mut counted = Counted::load(directory)?.unwrap_or_default();
    let mut options = FollowOptions::new("files", vec![format!("{}/logs/*.log", directory.display())]);
    options.poll_only = poll_only;
    let mut files = FollowedFiles::new(options, counted.cursor.as_ref())?;
    let (waker, wakings) = Wakings::new();
    files.watch(waker);
    let mut saved = Instant::now();
    loop {
        let readiness = files.poll(&mut |delivery| counted.take(delivery))?;
        if saved.elapsed() > Duration::from_millis(200) {
            counted.cursor = Some(files.cursor());
            counted.save(directory)?;
            saved = Instant::now();
        }
        if readiness == Readiness::Idle {
            wakings.wait(Duration::from_millis(100));
        }
    }
}

impl Drop for Run {
    fn drop(&mut self) {
        self.kill();
    }
}

fn suffixed(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn is_packed(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "gz" || extension == "zst")
}

/// The rotations of a log.
fn rotated(path: &Path) -> Result<Vec<PathBuf>> {
    let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir(path.parent().ok_or("a log is in a directory")?)? {
        let path = entry?.path();
        let other = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if other != name && other.starts_with(&name) && !other.ends_with(".tmp") {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}

/// Makes room for `.1`.
fn shift(path: &Path) -> Result<()> {
    for number in (1..200).rev() {
        for packed in ["", ".gz", ".zst"] {
            let from = suffixed(path, &format!(".{number}{packed}"));
            if from.exists() {
                fs::rename(&from, suffixed(path, &format!(".{}{packed}", number + 1)))?;
            }
        }
    }
    Ok(())
}
