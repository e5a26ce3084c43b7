//! `chiplog rules import-npd` and `rules export`: rules from and for other tools.

use std::fs;
use std::io::{self, BufWriter, Write};

use chiplog_report::write_prometheus_rules;
use chiplog_rules::import_npd;

use crate::exit::{Exit, Failure};
use crate::flags::{RulesExport, RulesImportNpd};
use crate::rule_files;
use crate::talk::Talk;

pub(crate) fn import(flags: &RulesImportNpd, talk: &Talk) -> Result<Exit, Failure> {
    let file = flags.file.display().to_string();
    let json = fs::read_to_string(&flags.file)
        .map_err(|error| Failure::usage(format!("cannot read {file}: {error}")))?;
    let import = import_npd(&file, &json).map_err(Failure::usage)?;
    for note in &import.notes {
        talk.warning("notes on what was taken over", note, None);
    }
    let mut out = BufWriter::new(io::stdout().lock());
    out.write_all(import.toml.as_bytes())
        .and_then(|()| {
            // The notes belong to the rules, wherever these go.
            import.notes.iter().try_for_each(|note| writeln!(out, "# Note: {note}"))
        })
        .and_then(|()| out.flush())
        .map_err(|error| Failure::output(&error))?;
    Ok(Exit::Success)
}

pub(crate) fn export(flags: &RulesExport, talk: &Talk) -> Result<Exit, Failure> {
    let set = rule_files::load(&flags.rules, talk)?;
    let wanted = &flags.rules.rule;
    let rules = set.rules().iter().filter(|rule| wanted.is_empty() || wanted.contains(&rule.id));
    let mut out = BufWriter::new(io::stdout().lock());
    if flags.prometheus {
        write_prometheus_rules(&mut out, rules).map_err(|error| Failure::output(&error))?;
    }
    out.flush().map_err(|error| Failure::output(&error))?;
    Ok(Exit::Success)
}
