//! The best documented chains of causes and effects, from the lines of each program on each host to the
//! root that is told: at the usual lags, at twice those, and without the lines of the root. And the faults
//! of real logs.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, LazyLock};

use chiplog_engine::{Block, Incident, InputOptions, Origin, Root, Scan, ScanOptions, diagnose};
use chiplog_parse::{Clock, UnixNanos};
use chiplog_rules::RuleSet;
use serde_json::Value;

use crate::incidents::{Now, START_SECONDS};
use crate::{Files, run};

/// A file of `tests/chains`.
struct Chain {
    name: String,
    steps: Vec<Step>,
    /// The main line of events.
    rules: Vec<String>,
    is_root_seen: bool,
    /// What is told when the lines of the first step are missing: a rule, or `unknown`.
    root_without_first: String,
}

/// What one rule sees of a chain.
struct Step {
    rule: String,
    /// The rule that leads to it, and how much later it is.
    after: Option<(String, f64)>,
    host: String,
    source: Source,
    lines: Vec<String>,
    times: usize,
    every_seconds: f64,
}

/// Where a line is written to.
enum Source {
    /// A program of the host: its journal.
    Program(String),
    /// A container: a file of its own, whose lines name no host.
    Pod(String),
}

fn chains() -> Vec<Chain> {
    let directory = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/chains");
    let mut paths: Vec<_> =
        std::fs::read_dir(directory).expect("chains").map(|entry| entry.expect("an entry").path()).collect();
    paths.sort();
    let read = |path: &std::path::PathBuf| {
        let text = std::fs::read_to_string(path).expect("a chain");
        let table: toml::Table = text.parse().unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let text = |value: &toml::Value| value.as_str().expect("text").to_owned();
        let texts =
            |value: &toml::Value| value.as_array().expect("a list").iter().map(text).collect::<Vec<_>>();
        let step = |value: &toml::Value| {
            let table = value.as_table().expect("a step");
            let number = |key: &str| {
                let value = table.get(key)?;
                value.as_float().or(value.as_integer().map(|number| number as f64))
            };
            let lines = table.get("lines").map_or_else(|| vec![text(&table["line"])], texts);
            Step {
                rule: text(&table["rule"]),
                after: table.get("after").map(|rule| (text(rule), number("lag").expect("a lag"))),
                host: text(&table["host"]),
                source: match table.get("program") {
                    Some(program) => Source::Program(text(program)),
                    None => Source::Pod(text(&table["pod"])),
                },
                times: number("times").map_or(lines.len(), |times| times as usize),
                lines,
                every_seconds: number("every").unwrap_or(1.0),
            }
        };
        Chain {
            name: path.file_stem().expect("a name").to_string_lossy().into_owned(),
            steps: table["step"].as_array().expect("steps").iter().map(step).collect(),
            rules: texts(&table["chain"]),
            is_root_seen: table.get("is_root_seen").is_none_or(|seen| seen.as_bool().expect("a boolean")),
            root_without_first: text(&table["root_without_first"]),
        }
    };
    paths.iter().map(read).collect()
}

impl Chain {
    /// The logs of a chain: files by name. Lags are taken `times` over.
    fn logs(&self, times: f64, without: Option<&str>) -> Vec<(String, String)> {
        let mut starts: BTreeMap<&str, f64> = BTreeMap::new();
        let mut files: BTreeMap<String, Vec<(i64, String)>> = BTreeMap::new();
        for step in &self.steps {
            let start = match &step.after {
                Some((rule, lag)) => starts[rule.as_str()] + lag * times,
                None => 0.0,
            };
            starts.insert(&step.rule, start);
            if without == Some(step.rule.as_str()) {
                continue;
            }
            // Before and after, there is nothing to tell.
            let name = step.file();
            for seconds in [-900.0, 3_000.0] {
                let line = step.line(seconds, "I{klog}       1 main.go:31] nothing new");
                files.entry(name.clone()).or_default().push(line);
            }
            for number in 0..step.times {
                let seconds = start + number as f64 * step.every_seconds;
                let line = step.line(seconds, &step.lines[number % step.lines.len()]);
                files.entry(name.clone()).or_default().push(line);
            }
        }
        let join = |mut lines: Vec<(i64, String)>| {
            lines.sort();
            lines.into_iter().map(|(_, line)| line + "\n").collect::<String>()
        };
        files.into_iter().map(|(name, lines)| (name, join(lines))).collect()
    }
}

impl Step {
    fn file(&self) -> String {
        match &self.source {
            Source::Program(_) => format!("{}.journal.log", self.host),
            Source::Pod(pod) => format!("{}-{pod}.log", self.host),
        }
    }

    /// A line in its clothes, with its time for sorting.
    fn line(&self, seconds: f64, text: &str) -> (i64, String) {
        let nanos = START_SECONDS * 1_000_000_000 + (seconds * 1e9) as i64;
        let now = Now(UnixNanos(nanos));
        let text = text.replace("{klog}", &now.klog()).replace("{rfc3339}", &now.rfc3339());
        let time = now.rfc3339();
        let line = match &self.source {
            Source::Program(program) => {
                let pid = if program == "kernel" { "" } else { "[1201]" };
                let time = time.replace('Z', "+0000");
                format!("{time} {} {program}{pid}: {text}", self.host)
            }
            Source::Pod(_) => format!("{time} stderr F {text}"),
        };
        (nanos, line)
    }
}

/// The incidents that a scan of these files tells of.
fn incidents(logs: &[(String, String)]) -> Vec<Incident> {
    static RULES: LazyLock<RuleSet> = LazyLock::new(RuleSet::builtin);
    let mut scan = Scan::new(&RULES, ScanOptions::default());
    for (name, text) in logs {
        let (name, clock) = (Arc::from(name.as_str()), Clock::unknown());
        let input = InputOptions { name, clock, is_live: false, origin: Origin::default() };
        let block = Block { bytes: text.clone().into_bytes(), ..Block::default() };
        let mut blocks = [Ok::<_, std::io::Error>(block)].into_iter();
        scan.input(&input, &mut blocks, &mut |_| {}).expect("a block");
    }
    diagnose(&RULES, &scan.finish())
}

fn members(incident: &Incident) -> BTreeSet<&str> {
    incident.members.iter().map(|member| &*member.rule_id).collect()
}

/// The one incident that has a member of this rule.
fn of_rule<'i>(incidents: &'i [Incident], rule: &str) -> Result<&'i Incident, String> {
    let found: Vec<_> = incidents.iter().filter(|incident| members(incident).contains(rule)).collect();
    let [incident] = found[..] else { return Err(format!("{rule} is in {} incidents", found.len())) };
    Ok(incident)
}

/// The root, `unknown` if it was not seen.
fn root(incident: &Incident) -> &str {
    match incident.root {
        Root::Member(member) => &incident.members[member].rule_id,
        Root::Unknown { .. } => "unknown",
    }
}

fn path(incident: &Incident) -> Vec<&str> {
    let links: Vec<_> = incident.chain.iter().map(|link| &incident.links[*link]).collect();
    let members =
        links.first().map(|link| link.cause).into_iter().chain(links.iter().map(|link| link.effect));
    members.map(|member| &*incident.members[member].rule_id).collect()
}

/// What is wrong with what is told of a chain.
fn wrong_with(chain: &Chain, times: f64) -> Result<(), String> {
    let incidents = incidents(&chain.logs(times, None));
    let incident = of_rule(&incidents, &chain.steps[0].rule)?;
    let rules: BTreeSet<&str> = chain.steps.iter().map(|step| step.rule.as_str()).collect();
    let missing: Vec<_> = rules.difference(&members(incident)).copied().collect();
    if !missing.is_empty() {
        return Err(format!("not in the incident: {missing:?}"));
    }
    let expected = if chain.is_root_seen { &*chain.steps[0].rule } else { "unknown" };
    if root(incident) != expected {
        let reasons = incident.candidates.iter().map(|candidate| {
            let rule = &incident.members[candidate.member].rule_id;
            let reasons = candidate.reasons.iter().map(|reason| format!("{} {}", reason.points, reason.text));
            format!("\n  {rule} {}: {}", candidate.points, reasons.collect::<Vec<_>>().join("; "))
        });
        return Err(format!("the root is {}{}", root(incident), reasons.collect::<String>()));
    }
    if !path(incident).starts_with(&chain.rules.iter().map(String::as_str).collect::<Vec<_>>()) {
        return Err(format!("the chain is {:?}", path(incident)));
    }
    // What happened is not missed.
    match incident.expected.iter().find(|expected| rules.contains(&*expected.rule_id)) {
        Some(expected) => Err(format!("{} is missed", expected.rule_id)),
        None => Ok(()),
    }
}

/// What is wrong with what is told of a chain whose first lines are missing.
fn wrong_without_first(chain: &Chain) -> Result<(), String> {
    let first = &chain.steps[0].rule;
    let incidents = incidents(&chain.logs(1.0, Some(first)));
    let incident = of_rule(&incidents, &chain.steps[1].rule)?;
    if root(incident) != chain.root_without_first {
        return Err(format!("the root is {}", root(incident)));
    }
    let Root::Unknown { earliest, suspects } = &incident.root else { return Ok(()) };
    if suspects.iter().any(|suspect| *suspect.rule_id == **first) {
        return Ok(());
    }
    let suspects: Vec<_> = suspects.iter().map(|suspect| &*suspect.rule_id).collect();
    Err(format!("{first} is no suspect of {}: {suspects:?}", incident.members[*earliest].rule_id))
}

fn report(wrong: impl Iterator<Item = (String, Result<(), String>)>) {
    let wrong: Vec<String> =
        wrong.filter_map(|(name, outcome)| Some(format!("{name}: {}", outcome.err()?))).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn chains_are_told_from_their_root() {
    report(chains().iter().map(|chain| (chain.name.clone(), wrong_with(chain, 1.0))));
}

#[test]
fn chains_are_told_from_their_root_at_twice_their_lags() {
    report(chains().iter().map(|chain| (chain.name.clone(), wrong_with(chain, 2.0))));
}

#[test]
fn no_root_is_made_up_when_its_lines_are_missing() {
    report(chains().iter().map(|chain| (chain.name.clone(), wrong_without_first(chain))));
}

/// What had been wrong for hours, with effects of its own, is not what set things off.
#[test]
fn an_old_trouble_beside_a_chain_is_not_its_root() {
    let all = chains();
    let of = |name: &str| all.iter().position(|chain| chain.name.starts_with(name)).expect("a chain");
    let (hung, unmount) = (of("02"), of("04"));
    let old = |rule: &str, times, every_seconds| {
        let like = all[unmount].steps.iter().find(|step| step.rule == rule).expect("a step");
        Step {
            rule: rule.to_owned(),
            after: Some(("kernel-nfs-not-responding".to_owned(), -3.0 * 3_600.0)),
            host: "w-07".to_owned(),
            source: Source::Program("kubelet".to_owned()),
            lines: like.lines.clone(),
            times,
            every_seconds,
        }
    };
    let orphans = old("kubelet-orphaned-pod-volumes", 2_000, 6.0);
    let housekeeping = old("kubelet-housekeeping-slow", 200, 60.0);
    let chain = &all[hung];
    let mut steps: Vec<Step> = chains().swap_remove(hung).steps;
    steps.extend([orphans, housekeeping]);
    let chain = Chain {
        name: "an old trouble beside a hung runtime".to_owned(),
        steps,
        rules: chain.rules.clone(),
        is_root_seen: true,
        root_without_first: chain.root_without_first.clone(),
    };
    report([(chain.name.clone(), wrong_with(&chain, 1.0))].into_iter());
}

/// The program tells the same as the engine.
#[test]
fn the_program_tells_a_chain() {
    let chain = &chains()[0];
    let logs = chain.logs(1.0, None);
    let files: Vec<(&str, &str)> = logs.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    let files = Files::new(&files);
    let directory = files.path("");
    let incidents = scanned(directory.to_str().expect("a path"));
    let of_chain = |incident: &&Value| incident["root"]["rule_id"] == *chain.steps[0].rule;
    let incident = incidents.iter().find(of_chain).expect("the root is told");
    let effects = incident["chain"].as_array().expect("a list").iter();
    let effects: Vec<_> = effects.filter_map(|link| link["effect_rule_id"].as_str()).collect();
    assert_eq!(effects, chain.rules[1..]);
}

/// What is told of the real logs of `corpora`, by file: of each incident whether its root was seen, and
/// the first candidate or the first suspect. What was done to each is in `corpora/README.md`.
const RECORDED: [(&str, &[&str]); 8] = [
    // The event stream ends with containerd, which was killed from outside: dockerd does not say so. One
    // check ran longer than it may, and none could be run while containerd was stopped.
    (
        "docker/dockerd-20.10.log.gz",
        &["docker-event-stream-lost, perhaps by docker-containerd-restarted", "docker-healthcheck-error"],
    ),
    ("etcd/etcd-3.3-three-members.log.gz", &["etcd-slow-fsync"]),
    ("etcd/etcd-3.5-single.log.gz", &["etcd-slow-fsync"]),
    ("etcd/etcd-3.6-console.log.gz", &["etcd-slow-fsync"]),
    (
        "journal/node-short-precise.log.gz",
        &[
            // containerd was stopped, and writes nothing of it.
            "kubelet-runtime-down, perhaps by something else",
            "kubelet-orphaned-pod-volumes",
            "kubelet-image-pull-failing",
            "kubelet-exec-probe-timeout",
            // A program that is not ready writes no line of its own.
            "kubelet-readiness-failed, perhaps by something else",
        ],
    ),
    ("kernel/oom-dmesg-iso.log.gz", &["kernel-oom-memcg"]),
    (
        "kubelet/kubelet-1.20-runtime-stopped.log.gz",
        &[
            "docker-daemon-hung",
            "kubelet-orphaned-pod-volumes",
            "kubelet-image-pull-failing",
            "kubelet-exec-probe-timeout",
            "kubelet-readiness-failed, perhaps by something else",
        ],
    ),
    (
        "kubelet/kubelet-1.36-json.log.gz",
        &[
            "kubelet-runtime-down, perhaps by something else",
            "kubelet-orphaned-pod-volumes",
            "kubelet-image-pull-failing",
            "kubelet-exec-probe-timeout",
            "kubelet-readiness-failed, perhaps by something else",
        ],
    ),
];

/// The incidents of a scan.
fn scanned(path: &str) -> Vec<Value> {
    let ran = run(["scan", "--format", "json", "--year", "2026", path]);
    assert_eq!(ran.exit, 0, "{}", ran.stderr);
    let mut report: Value = serde_json::from_str(&ran.stdout).expect("JSON");
    let Value::Array(incidents) = report["incidents"].take() else { panic!("a list") };
    incidents
}

/// As in [`RECORDED`].
fn outcome(incident: &Value) -> String {
    let id = |value: &Value| value["rule_id"].as_str().expect("an id").to_owned();
    if !incident["root"].is_null() {
        assert_eq!(id(&incident["root"]), id(&incident["candidates"][0]));
        return id(&incident["root"]);
    }
    let first = id(&incident["candidates"][0]);
    assert_eq!(first, id(&incident["earliest_symptom"]));
    // Any of a dozen things makes a probe fail, or stops a runtime.
    let suspect = match first.as_str() {
        "kubelet-readiness-failed" | "kubelet-runtime-down" => "something else".to_owned(),
        _ => id(&incident["suspects"][0]),
    };
    format!("{first}, perhaps by {suspect}")
}

#[test]
fn recorded_faults_are_told() {
    for (file, expected) in RECORDED {
        let path = format!("{}/corpora/{file}", env!("CARGO_MANIFEST_DIR"));
        assert_eq!(scanned(&path).iter().map(outcome).collect::<Vec<_>>(), expected, "{file}");
    }
}

/// Recordings of several machines beside each other, minutes to hours apart, some without host names.
#[test]
fn recordings_of_several_machines_are_told_apart() {
    let incidents = scanned(concat!(env!("CARGO_MANIFEST_DIR"), "/corpora"));
    let mut of_file: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for incident in &incidents {
        let members = incident["members"].as_array().expect("a list").iter();
        let opened = members.filter(|member| member["opened"] == true);
        let sources: BTreeSet<&str> = opened.filter_map(|member| member["source"].as_str()).collect();
        assert_eq!(sources.len(), 1, "{sources:?}");
        let source = sources.first().copied().expect("a source");
        of_file.entry(source.to_owned()).or_default().insert(outcome(incident));
    }
    for (file, expected) in RECORDED {
        let told = of_file.iter().find(|(source, _)| source.ends_with(file)).map(|(_, told)| told);
        let expected: BTreeSet<String> = expected.iter().map(|outcome| (*outcome).to_owned()).collect();
        assert_eq!(told, Some(&expected), "{file}");
    }
}
