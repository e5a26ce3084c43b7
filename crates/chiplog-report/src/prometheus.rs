//! Rules as alerting rules for Prometheus, over the metrics of a chiplog that watches.

use std::io::{self, Write};

use chiplog_rules::{Rule, RuleSeverity};

/// Writes a rule file for Prometheus: one alert for each rule, firing while a finding is open, and
/// two about chiplog itself, since a count that misses lines must not look healthy.
///
/// The metrics are `chiplog_finding_open{rule}`, `chiplog_lost_lines_total{source,reason}` and
/// `chiplog_source_lag_seconds{source}`. Texts are quoted as JSON, which YAML contains. The same rules
/// give the same bytes.
///
/// # Errors
///
/// Those of the writer.
pub fn write_prometheus_rules<'r>(
    out: &mut dyn Write,
    rules: impl IntoIterator<Item = &'r Rule>,
) -> io::Result<()> {
    let mut rules: Vec<&Rule> = rules.into_iter().collect();
    rules.sort_by(|a, b| a.id.cmp(&b.id));
    writeln!(out, "groups:\n  - name: chiplog\n    rules:")?;
    for rule in rules {
        let expr = format!("max by (instance) (chiplog_finding_open{{rule={}}}) > 0", quoted(&rule.id)?);
        let mut description = String::new();
        if let Some(cause) = &rule.cause {
            description.push_str(&format!("Likely: {cause}\n"));
        }
        rule.check.iter().for_each(|check| description.push_str(&format!("Check: {check}\n")));
        if let Some(danger) = &rule.danger {
            description.push_str(&format!("DANGER: {danger}\n"));
        }
        description.push_str(&format!("More: chiplog explain {}", rule.id));
        let summary = format!("{} on {{{{ $labels.instance }}}}", literal(&rule.title));
        alert(out, &alert_name(&rule.id), &expr, None, rule.severity, &summary, &literal(&description))?;
    }
    writeln!(out, "  - name: chiplog-itself\n    rules:")?;
    let lost = "sum by (instance, source, reason) (increase(chiplog_lost_lines_total[10m])) > 0";
    let summary = "log lines of {{ $labels.source }} were lost ({{ $labels.reason }})";
    let description = "Counts of findings are lower bounds while lines are missing.";
    alert(out, "ChiplogLostLines", lost, None, RuleSeverity::Warning, summary, description)?;
    let lag = "max by (instance, source) (chiplog_source_lag_seconds) > 300";
    let summary = "{{ $labels.source }} is read with more than five minutes of delay";
    let description = "Findings come late; the source writes faster than it is read, or reading has stopped.";
    alert(out, "ChiplogSourceLag", lag, Some("5m"), RuleSeverity::Warning, summary, description)
}

fn alert(
    out: &mut dyn Write,
    name: &str,
    expr: &str,
    hold: Option<&str>,
    severity: RuleSeverity,
    summary: &str,
    description: &str,
) -> io::Result<()> {
    writeln!(out, "      - alert: {name}")?;
    writeln!(out, "        expr: {}", quoted(expr)?)?;
    if let Some(hold) = hold {
        writeln!(out, "        for: {hold}")?;
    }
    writeln!(out, "        labels:\n          severity: {severity}")?;
    writeln!(out, "        annotations:\n          summary: {}", quoted(summary)?)?;
    writeln!(out, "          description: {}", quoted(description)?)
}

fn quoted(text: &str) -> io::Result<String> {
    serde_json::to_string(text).map_err(io::Error::from)
}

/// `etcd-slow-apply` as `EtcdSlowApply`.
fn alert_name(id: &str) -> String {
    let capital = |word: &str| {
        let mut chars = word.chars();
        chars.next().map(|first| first.to_ascii_uppercase()).into_iter().chain(chars).collect::<String>()
    };
    id.split(|c: char| !c.is_ascii_alphanumeric()).map(capital).collect()
}

/// A text of a rule, as data: annotations are templates, and two braces would start an action.
fn literal(text: &str) -> String {
    text.replace("{{", "{{ \"{{\" }}")
}

#[cfg(test)]
mod tests {
    use chiplog_rules::RuleSet;

    use super::*;

    #[test]
    fn an_alert_says_what_the_rule_says() {
        let file = "id = 'disk.full-node'\ntitle = 'a \"full\" {{disk}}'\nseverity = 'error'\nmatch = 'no space left'\n\
                    because = 'logs'\ncheck = ['df -h']\ndanger = 'none'\n";
        let set = RuleSet::load([("a.toml", file)]).unwrap().set;
        let mut out = vec![];
        write_prometheus_rules(&mut out, set.rules()).unwrap();
        let text = String::from_utf8(out).unwrap();
        let start = r#"groups:
  - name: chiplog
    rules:
      - alert: DiskFullNode
        expr: "max by (instance) (chiplog_finding_open{rule=\"disk.full-node\"}) > 0"
        labels:
          severity: error
        annotations:
          summary: "a \"full\" {{ \"{{\" }}disk}} on {{ $labels.instance }}"
          description: "Likely: logs\nCheck: df -h\nDANGER: none\nMore: chiplog explain disk.full-node"
  - name: chiplog-itself
"#;
        assert!(text.starts_with(start), "{text}");
    }
}
