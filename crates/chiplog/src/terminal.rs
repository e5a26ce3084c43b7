//! What the terminal can show. All looks at the environment are here.

use std::env;
use std::io::{self, IsTerminal as _};

use chiplog_report::Style;

use crate::flags::When;

/// How to write text to standard output.
pub(crate) fn stdout_style(color: When) -> Style {
    let is_terminal = io::stdout().is_terminal();
    let colour = match color {
        When::Always => true,
        When::Never => false,
        When::Auto if is_set("NO_COLOR") => false,
        When::Auto => is_forced() || (is_terminal && !is_dumb()),
    };
    let width =
        if is_terminal { terminal_size::terminal_size().map_or(80, |(width, _)| width.0.into()) } else { 0 };
    Style { colour, width, unicode: !is_terminal || is_utf8() }
}

/// Whether a progress bar may be drawn with block characters; `None` if not at all.
pub(crate) fn progress_unicode() -> Option<bool> {
    (io::stderr().is_terminal() && !is_dumb()).then(is_utf8)
}

fn is_set(name: &str) -> bool {
    env::var_os(name).is_some_and(|value| !value.is_empty())
}

fn is_forced() -> bool {
    is_set("CLICOLOR_FORCE") && env::var_os("CLICOLOR_FORCE").is_some_and(|value| value != "0")
}

fn is_dumb() -> bool {
    env::var_os("TERM").is_some_and(|term| term == "dumb")
}

/// The locale's character set, by the variables and the order that POSIX gives.
fn is_utf8() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"]
        .into_iter()
        .find_map(|name| env::var(name).ok().filter(|value| !value.is_empty()))
        .unwrap_or_default()
        .to_ascii_lowercase();
    locale.contains("utf-8") || locale.contains("utf8")
}
