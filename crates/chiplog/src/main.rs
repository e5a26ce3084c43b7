//! The `chiplog` program: flags, wiring, exit codes.

mod clock;
mod exit;
mod flags;
mod inputs;
mod interrupt;
mod live;
mod pipeline;
mod progress;
mod reading;
mod rule_files;
mod run;
mod talk;
mod terminal;

use std::io::{self, IsTerminal as _, Write as _};
use std::process::ExitCode;

use clap::{CommandFactory as _, Parser as _};

use crate::exit::{Exit, Failure};
use crate::flags::{Cli, Command, Rules, StateCommand};
use crate::talk::Talk;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let talk = Talk::new(cli.talk.quiet, cli.talk.verbose);
    let outcome = run(cli, &talk);
    talk.finish();
    let exit = match outcome {
        Ok(exit) | Err(Failure::Told(exit)) => exit,
        Err(Failure::OutputClosed) => Exit::Success,
        Err(Failure::Said { exit, message, hint }) => {
            talk.error(&message, hint.as_deref());
            exit
        }
    };
    exit.into()
}

fn run(cli: Cli, talk: &Talk) -> Result<Exit, Failure> {
    let display = cli.talk;
    match cli.command {
        None if !cli.scan.files.is_empty() && cli.scan.files.iter().all(|file| file.as_os_str() == "-") => {
            run::stream::run(&cli.scan.options, display, talk)
        }
        None if !cli.scan.files.is_empty() => {
            run::scan::run(&cli.scan.files, &cli.scan.options, display, talk)
        }
        None if io::stdin().is_terminal() => {
            let help = Cli::command().render_help();
            let _ = write!(io::stderr(), "{help}");
            Ok(Exit::Usage)
        }
        None => run::stream::run(&cli.scan.options, display, talk),
        Some(Command::Scan(scan)) => run::scan::run(&scan.paths, &scan.options, display, talk),
        Some(Command::Watch(watch)) => run::watch::run(&watch, display, talk),
        Some(Command::State(StateCommand::Show(show))) => run::state::show(&show),
        Some(Command::Parse(parse)) => run::parse::run(&parse, talk),
        Some(Command::Detect(detect)) => run::detect::run(&detect, display, talk),
        Some(Command::Explain(explain)) => run::explain::run(&explain, display, talk),
        Some(Command::Rules(Rules::List(list))) => run::rules::list(&list, display, talk),
        Some(Command::Rules(Rules::Lint(lint))) => run::rules::lint(&lint),
        Some(Command::Rules(Rules::Test(test))) => run::rules::test(&test, talk),
        Some(Command::Rules(Rules::Try(attempt))) => run::rules::attempt(&attempt, talk),
        Some(Command::Rules(Rules::Bench(bench))) => run::bench::run(&bench, talk),
        Some(Command::Rules(Rules::ImportNpd(import))) => run::exchange::import(&import, talk),
        Some(Command::Rules(Rules::Export(export))) => run::exchange::export(&export, talk),
        Some(Command::Series(series)) => run::tables::series(&series, display, talk),
        Some(Command::Count(count)) => run::tables::count(&count, display, talk),
        Some(Command::Completions(completions)) => run::generate::completions(completions.shell),
        Some(Command::Man(man)) => run::generate::man(&man.command),
    }
}
