//! Writes the seeds of every fuzz target: `fuzz_seeds FOLDER` fills `FOLDER/<target>/`.

use std::path::Path;
use std::process::ExitCode;
use std::{env, fs, io};

use chiplog_testkit::laws::{TARGETS, seeds};

fn main() -> ExitCode {
    let Some(folder) = env::args_os().nth(1) else {
        eprintln!("usage: fuzz_seeds FOLDER");
        return ExitCode::from(2);
    };
    match write(Path::new(&folder)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

fn write(folder: &Path) -> io::Result<()> {
    for target in TARGETS {
        let folder = folder.join(target.name);
        fs::create_dir_all(&folder)?;
        let inputs = seeds::of(target)?;
        for (number, input) in inputs.iter().enumerate() {
            fs::write(folder.join(format!("seed-{number:04}")), input)?;
        }
        println!("{:>5} {}", inputs.len(), folder.display());
    }
    Ok(())
}
