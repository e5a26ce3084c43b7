//! `chiplog completions` and `chiplog man`.

use std::io::{self, Write as _};

use clap::CommandFactory as _;

use crate::exit::{Exit, Failure};
use crate::flags::Cli;

pub(crate) fn completions(shell: clap_complete::Shell) -> Result<Exit, Failure> {
    let mut script = vec![];
    clap_complete::generate(shell, &mut Cli::command(), "chiplog", &mut script);
    print(&script)
}

pub(crate) fn man(names: &[String]) -> Result<Exit, Failure> {
    let mut command = Cli::command();
    // Gives subcommands their full names and the flags that they inherit.
    command.build();
    let mut page_of = &command;
    for name in names {
        page_of = page_of
            .find_subcommand(name)
            .ok_or_else(|| Failure::usage(format!("there is no command {}", names.join(" "))))?;
    }
    let mut page = vec![];
    clap_mangen::Man::new(page_of.clone()).render(&mut page).map_err(|error| Failure::output(&error))?;
    print(&page)
}

fn print(bytes: &[u8]) -> Result<Exit, Failure> {
    io::stdout().lock().write_all(bytes).map_err(|error| Failure::output(&error))?;
    Ok(Exit::Success)
}
