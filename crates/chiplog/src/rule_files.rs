//! Rule files from the file system.

use std::fs;
use std::path::{Path, PathBuf};

use chiplog_rules::{Diagnostic, Loaded, RuleSet};

use crate::exit::{Exit, Failure};
use crate::flags::RuleFlags;
use crate::talk::{Talk, say};

/// The kind of what is said about rules.
const WARNINGS: &str = "warnings about rules";

/// The rules that the flags ask for: the built-in ones unless left out, and those of files.
pub(crate) fn load(flags: &RuleFlags, talk: &Talk) -> Result<RuleSet, Failure> {
    let set = load_paths(&flags.rules, !flags.no_builtin, talk)?;
    for id in &flags.rule {
        known(&set, id)?;
    }
    Ok(set)
}

/// The same, and how many warnings there were about them.
pub(crate) fn load_counting(flags: &RuleFlags, talk: &Talk) -> Result<(RuleSet, u64), Failure> {
    let set = load(flags, talk)?;
    Ok((set, talk.count(WARNINGS)))
}

/// The rules of files, with or without the built-in ones.
pub(crate) fn load_paths(paths: &[PathBuf], with_builtin: bool, talk: &Talk) -> Result<RuleSet, Failure> {
    if paths.is_empty() {
        return if with_builtin {
            Ok(RuleSet::builtin())
        } else {
            Err(Failure::usage("there are no rules: --no-builtin needs --rules"))
        };
    }
    let files = read(paths)?;
    let loaded = if with_builtin {
        let builtin = RuleSet::builtin_files().iter().map(|(name, text)| (*name, *text));
        RuleSet::load(builtin.chain(files.iter().map(|(name, text)| (name.as_str(), text.as_str()))))
    } else {
        RuleSet::load(files)
    };
    match loaded {
        Ok(Loaded { set, warnings, .. }) => {
            for warning in &warnings {
                tell_warning(warning, talk);
            }
            Ok(set)
        }
        Err(errors) => {
            for diagnostic in &errors.0 {
                say(&diagnostic.to_string());
            }
            Err(Failure::Told(Exit::Usage))
        }
    }
}

fn tell_warning(warning: &Diagnostic, talk: &Talk) {
    let text = warning.to_string();
    talk.warning(WARNINGS, text.strip_prefix("warning: ").unwrap_or(&text), None);
}

/// Name and text of every rule file: files themselves, and every .toml file below directories.
pub(crate) fn read(paths: &[PathBuf]) -> Result<Vec<(String, String)>, Failure> {
    let mut files = vec![];
    for path in paths {
        let mut found = vec![];
        collect(path, true, &mut found)?;
        if found.is_empty() {
            return Err(Failure::usage(format!("{}: no .toml file in this directory", path.display())));
        }
        for file in found {
            let text = fs::read_to_string(&file).map_err(|error| {
                Failure::usage(format!("cannot read the rules in {}: {error}", file.display()))
            })?;
            files.push((file.to_string_lossy().into_owned(), text));
        }
    }
    Ok(files)
}

fn collect(path: &Path, named: bool, files: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let unreadable = |error: std::io::Error| {
        Failure::usage(format!("cannot read the rules in {}: {error}", path.display()))
    };
    if fs::metadata(path).map_err(unreadable)?.is_dir() {
        let mut entries = vec![];
        for entry in fs::read_dir(path).map_err(unreadable)? {
            entries.push(entry.map_err(unreadable)?.path());
        }
        entries.sort_unstable();
        for entry in entries {
            // A link to a directory could lead back here.
            if !(entry.is_symlink() && entry.is_dir()) {
                collect(&entry, false, files)?;
            }
        }
    } else if named || path.extension().is_some_and(|extension| extension == "toml") {
        files.push(path.to_owned());
    }
    Ok(())
}

/// Index of a rule, or an error that names the one that was probably meant.
pub(crate) fn known(set: &RuleSet, id: &str) -> Result<usize, Failure> {
    if let Some(index) = set.rules().iter().position(|rule| rule.id == id) {
        return Ok(index);
    }
    let failure = Failure::usage(format!("there is no rule {id}"));
    let nearest = set
        .rules()
        .iter()
        .map(|rule| (strsim::jaro_winkler(id, &rule.id), rule.id.as_str()))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|a, b| a.0.total_cmp(&b.0).then_with(|| b.1.cmp(a.1)));
    Err(match nearest {
        Some((_, nearest)) => failure.with_hint(format!("did you mean {nearest}?")),
        None => failure.with_hint("chiplog rules list shows all rules"),
    })
}
