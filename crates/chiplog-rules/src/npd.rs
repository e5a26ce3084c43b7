//! Configurations of node-problem-detector as rule files.
//!
//! Two of its kinds of rules are about log lines: those of the system log monitor (`pattern`), and
//! those that run its log counter (`--pattern`, `--count`, `--lookback`). A pattern must match up
//! to the end of a line (kubernetes/node-problem-detector, `CompilePattern` in
//! pkg/systemlogmonitor/log_buffer.go: it appends `\z`). What else there is runs programs, and
//! has no log line to be found by; it is named and left out.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Deserialize;

/// A configuration of node-problem-detector, taken over.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct NpdImport {
    /// A rule file. It loads without errors.
    pub toml: String,
    /// How many rules it holds.
    pub rules: usize,
    /// What could not be carried over, or means something else now; one line each.
    pub notes: Vec<String>,
}

/// What one file of node-problem-detector says, as far as it is about logs.
#[derive(Deserialize)]
#[serde(default)]
#[derive(Default)]
struct Config {
    plugin: String,
    #[serde(rename = "pluginConfig")]
    plugin_config: BTreeMap<String, serde_json::Value>,
    source: String,
    lookback: Option<String>,
    rules: Vec<Rule>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct Rule {
    #[serde(rename = "type")]
    kind: String,
    condition: String,
    reason: String,
    pattern: Option<String>,
    path: Option<String>,
    args: Vec<String>,
}

/// A rule of theirs that is about log lines.
struct Wanted {
    pattern: String,
    count: u64,
    span: String,
    /// The program whose lines are read.
    program: Option<String>,
    revert: Option<String>,
}

/// Makes a rule file of a configuration of node-problem-detector.
///
/// Rules become ids under `npd.`; `permanent` becomes severity error and `temporary` warning. Every
/// finding closes after ten quiet minutes, while a condition of node-problem-detector stays until
/// it is restarted.
///
/// ```
/// let config = r#"{"plugin": "kmsg", "source": "kernel-monitor", "rules": [
///     {"type": "temporary", "reason": "TaskHung", "pattern": "task \\S+:\\w+ blocked for more than \\w+ seconds\\."}
/// ]}"#;
/// let import = chiplog_rules::import_npd("kernel-monitor.json", config).unwrap();
/// assert!(import.toml.contains("id = \"npd.task-hung\""));
/// ```
///
/// # Errors
///
/// A message with its place when the text is no JSON object of that shape, or no rule in it is
/// about log lines.
pub fn import_npd(file: &str, json: &str) -> Result<NpdImport, String> {
    let config: Config = serde_json::from_str(json)
        .map_err(|error| format!("{file}:{}:{}: {error}", error.line(), error.column()))?;
    let mut notes = Vec::new();
    let mut toml =
        format!("# Taken over from {}, a configuration of node-problem-detector.\n", one_line(file));
    let mut ids: BTreeMap<String, u32> = BTreeMap::new();
    let mut rules = 0;
    for (number, rule) in config.rules.iter().enumerate() {
        let name = match rule.reason.as_str() {
            "" => format!("rule {}", number + 1),
            reason => one_line(reason),
        };
        let wanted = match wanted(&config, rule) {
            Ok(wanted) => wanted,
            Err(why) => {
                notes.push(format!("{name}: {why}"));
                continue;
            }
        };
        let id = {
            let id = kebab(&name);
            let seen = ids.entry(id.clone()).or_default();
            *seen += 1;
            if *seen == 1 { format!("npd.{id}") } else { format!("npd.{id}-{seen}") }
        };
        let text = rule_toml(&id, rule, &wanted);
        if let Err(errors) = crate::RuleSet::load([(file, text.as_str())]) {
            let first = errors.0.first().map_or_else(String::new, |error| error.message.clone());
            notes.push(format!("{name}: left out, since {first}"));
            continue;
        }
        if wanted.pattern.contains(r"\n") || wanted.pattern.contains('\n') {
            notes.push(format!("{name}: spans several lines; rules look at one line, so it never matches"));
        }
        if let Some(revert) = &wanted.revert {
            notes.push(format!("{name}: the revert pattern `{}` is not used; see `close`", one_line(revert)));
        }
        if rule.kind == "permanent" {
            let condition = if rule.condition.is_empty() { &name } else { &rule.condition };
            notes.push(format!(
                "{name}: condition {} stays until a restart there; here it closes after 10 quiet minutes",
                one_line(condition)
            ));
        }
        toml.push('\n');
        toml.push_str(&text);
        rules += 1;
    }
    for key in ["timestamp", "message", "timestampFormat"] {
        if config.plugin_config.contains_key(key) {
            notes.push(format!("pluginConfig.{key} is not needed: formats are recognised line by line"));
        }
    }
    if rules == 0 {
        let mut message = format!("{file}: no rule in it is about log lines");
        notes.iter().for_each(|note| message.push_str(&format!("\n  {note}")));
        return Err(message);
    }
    Ok(NpdImport { toml, rules, notes })
}

fn wanted(config: &Config, rule: &Rule) -> Result<Wanted, String> {
    let source = match config.plugin_config.get("source") {
        Some(serde_json::Value::String(source)) => Some(source.clone()),
        _ => None,
    };
    if let Some(pattern) = &rule.pattern {
        let span = span(config.lookback.as_deref());
        let program = if config.plugin == "kmsg" { Some("kernel".to_owned()) } else { source };
        return Ok(Wanted { pattern: pattern.clone(), count: 1, span, program, revert: None });
    }
    let Some(path) = &rule.path else { return Err("has neither a pattern nor a program".to_owned()) };
    let argument = |name: &str| {
        let mut arguments = rule.args.iter();
        // `--name=value` or `--name value`.
        while let Some(argument) = arguments.next() {
            match argument.trim_start_matches('-').split_once('=') {
                Some((found, value)) if found == name => return Some(value.to_owned()),
                None if argument.trim_start_matches('-') == name => return arguments.next().cloned(),
                _ => {}
            }
        }
        None
    };
    let program = path.rsplit('/').next().unwrap_or(path);
    let pattern = match argument("pattern") {
        Some(pattern) if program.starts_with("log-counter") || program.starts_with("logcounter") => pattern,
        _ => return Err(format!("runs {}, which is not about log lines; left out", one_line(path))),
    };
    let count = argument("count").map_or(Some(1), |count| count.parse().ok());
    Ok(Wanted {
        pattern,
        count: count.filter(|count| *count > 0).ok_or("its --count is no number above zero; left out")?,
        span: span(argument("lookback").as_deref()),
        program: argument("journald-source"),
        revert: argument("revert-pattern"),
    })
}

/// A duration of Go as rule files write it; `5m`, its own default, if it is none.
fn span(text: Option<&str>) -> String {
    text.filter(|text| crate::units::parse_duration(text.as_bytes()).is_some_and(|nanos| nanos > 0))
        .unwrap_or("5m")
        .to_owned()
}

fn rule_toml(id: &str, rule: &Rule, wanted: &Wanted) -> String {
    let mut out = String::new();
    let severity = if rule.kind == "permanent" { "error" } else { "warning" };
    let regex = format!("(?:{})$", wanted.pattern);
    let component = match &wanted.program {
        Some(program) if !program.is_empty() => format!(", component = {}", quoted(program)),
        _ => String::new(),
    };
    // Writing to a text cannot fail.
    let _ = write!(
        out,
        "[[rule]]\nid = {}\ntitle = {}\nseverity = \"{severity}\"\nmatch = {{ regex = {}{component} }}\n\
         window = {{ by = [\"host\"], span = \"{}\" }}\nopen = \"count >= {}\"\nclose = \"count == 0 for 10m\"\n",
        quoted(id),
        quoted(&one_line(if rule.reason.is_empty() { id } else { &rule.reason })),
        quoted(&regex),
        wanted.span,
        wanted.count,
    );
    out
}

fn quoted(text: &str) -> String {
    toml::Value::String(text.to_owned()).to_string()
}

fn one_line(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// `FrequentKubeletRestart` as `frequent-kubelet-restart`.
fn kebab(name: &str) -> String {
    let chars: Vec<char> = name.chars().collect();
    let mut out = String::new();
    for (index, c) in chars.iter().enumerate() {
        if !c.is_ascii_alphanumeric() {
            if !out.is_empty() && !out.ends_with('-') {
                out.push('-');
            }
            continue;
        }
        // A capital starts a word, unless it goes on an abbreviation: `OOMKilling`, `IOError`.
        let before_is_small = index > 0 && chars[index - 1].is_ascii_lowercase();
        let after_is_small = chars.get(index + 1).is_some_and(char::is_ascii_lowercase);
        if c.is_ascii_uppercase()
            && (before_is_small || after_is_small)
            && !out.is_empty()
            && !out.ends_with('-')
        {
            out.push('-');
        }
        out.push(c.to_ascii_lowercase());
    }
    out.trim_end_matches('-').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RuleSet;

    #[test]
    fn names() {
        for (name, id) in [
            ("OOMKilling", "oom-killing"),
            ("IOError", "io-error"),
            ("Ext4Error", "ext4-error"),
            ("FrequentKubeletRestart", "frequent-kubelet-restart"),
            ("rule 3", "rule-3"),
            ("a__b!", "a-b"),
        ] {
            assert_eq!(kebab(name), id);
        }
    }

    #[test]
    fn log_rules_and_counters_are_taken_over_and_the_rest_is_named() {
        let config = r#"{
            "plugin": "custom", "source": "monitor", "pluginConfig": {"invoke_interval": "5m"},
            "conditions": [{"type": "FrequentKubeletRestart", "reason": "NoFrequentKubeletRestart", "message": "ok"}],
            "rules": [
                {"type": "permanent", "condition": "FrequentKubeletRestart", "reason": "FrequentKubeletRestart",
                 "path": "/opt/bin/log-counter",
                 "args": ["--journald-source=systemd", "--log-path=/var/log/journal", "--lookback=20m",
                          "--delay=5m", "--count", "5", "--pattern=Started (kubelet|agent)\\.",
                          "--revert-pattern=Stopped agent"]},
                {"type": "temporary", "reason": "NTPIsDown", "path": "./config/plugin/check_ntp.sh", "timeout": "3s"},
                {"type": "temporary", "reason": "TaskHung", "pattern": "task \\S+ blocked"},
                {"type": "temporary", "reason": "TaskHung", "pattern": "task (docker blocked"}
            ]
        }"#;
        let import = import_npd("monitor.json", config).unwrap();
        assert_eq!(import.rules, 2);
        assert_eq!(
            import.notes,
            [
                "FrequentKubeletRestart: the revert pattern `Stopped agent` is not used; see `close`",
                "FrequentKubeletRestart: condition FrequentKubeletRestart stays until a restart there; here it closes after 10 quiet minutes",
                "NTPIsDown: runs ./config/plugin/check_ntp.sh, which is not about log lines; left out",
                "TaskHung: left out, since regex does not compile: unclosed group",
            ]
        );
        let set = RuleSet::load([("npd.toml", import.toml.as_str())]).unwrap().set;
        let rule = &set.rules()[0];
        assert_eq!(
            (rule.id.as_str(), rule.open_text.as_str()),
            ("npd.frequent-kubelet-restart", "count >= 5")
        );
        assert_eq!(rule.window.span_nanos, 20 * 60 * 1_000_000_000);
    }

    #[test]
    fn patterns_end_where_lines_do() {
        let config = r#"{"plugin": "kmsg", "rules": [{"reason": "Oops", "pattern": "divide error: 0000"}]}"#;
        let set = RuleSet::load([("npd.toml", import_npd("k.json", config).unwrap().toml)]).unwrap().set;
        let hits = |line: &[u8]| {
            let mut hits = 0;
            set.matcher().match_record(&chiplog_parse::Record::of_text(line), line, |_| hits += 1);
            hits
        };
        assert_eq!((hits(b"divide error: 0000"), hits(b"divide error: 0000 [#1] SMP")), (1, 0));
    }

    #[test]
    fn what_is_no_configuration_is_an_error_with_its_place() {
        assert!(import_npd("a.json", "{\n\"rules\": 3}").unwrap_err().starts_with("a.json:2:10: "));
        assert!(import_npd("a.json", "{}").unwrap_err().starts_with("a.json: no rule"));
    }
}
