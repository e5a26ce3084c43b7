//! Writes a generated log to standard output, and what is planted in it to standard error.
//!
//! ```text
//! cargo run --release -p chiplog-testkit --example generate -- --seed 1 --mib 256 --profile healthy > healthy.log
//! ```

use std::error::Error;
use std::io::{self, Write};
use std::process::ExitCode;

use chiplog_testkit::{Envelope, Generator, Problem, Profile};

const USAGE: &str = "usage: generate [--seed N] [--mib N] [--profile healthy|sick] \
[--envelope journal|cri|docker|none] [--new-year] [--jitter-ms N]";

fn main() -> ExitCode {
    match generate() {
        Ok(()) => ExitCode::SUCCESS,
        // Whoever reads had enough.
        Err(error) if is_broken_pipe(&*error) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("generate: {error}\n{USAGE}");
            ExitCode::from(2)
        }
    }
}

fn is_broken_pipe(error: &(dyn Error + 'static)) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

fn generate() -> Result<(), Box<dyn Error>> {
    let (mut seed, mut mib, mut profile, mut envelope) = (1, 64, Profile::healthy(), Envelope::JournalShort);
    let (mut new_year, mut jitter_millis) = (false, 0);
    let mut arguments = std::env::args().skip(1);
    while let Some(flag) = arguments.next() {
        let mut value = || arguments.next().ok_or_else(|| format!("{flag} needs a value"));
        match flag.as_str() {
            "--seed" => seed = value()?.parse()?,
            "--mib" => mib = value()?.parse()?,
            "--profile" => {
                profile = match value()?.as_str() {
                    "healthy" => Profile::healthy(),
                    "sick" => Profile::sick(),
                    other => return Err(format!("no profile {other}").into()),
                };
            }
            "--envelope" => {
                envelope = match value()?.as_str() {
                    "journal" => Envelope::JournalShort,
                    "cri" => Envelope::Cri,
                    "docker" => Envelope::DockerJson,
                    "none" => Envelope::None,
                    other => return Err(format!("no envelope {other}").into()),
                };
            }
            "--new-year" => new_year = true,
            "--jitter-ms" => jitter_millis = value()?.parse()?,
            _ => return Err(format!("no flag {flag}").into()),
        }
    }
    profile = profile.in_envelope(envelope);
    profile.jitter_micros = 1000 * jitter_millis;
    if new_year {
        profile = profile.across_new_year();
    }

    let mut generator = Generator::new(seed, profile);
    let mut out = io::stdout().lock();
    let mut chunk = Vec::new();
    let mut missing_bytes: usize = mib << 20;
    while missing_bytes > 0 {
        chunk.clear();
        generator.append(&mut chunk, missing_bytes.min(1 << 20));
        missing_bytes = missing_bytes.saturating_sub(chunk.len());
        out.write_all(&chunk)?;
    }
    let truth = generator.truth();
    eprintln!("lines {} garbage {}", truth.lines, truth.garbage_lines);
    for problem in Problem::ALL {
        eprintln!("{problem:?} {:?}", truth.tally(problem));
    }
    Ok(())
}
