//! `sensor-gateway`: the command line, the configuration, and the wiring of data and control plane.
//!
//! | module | job |
//! | --- | --- |
//! | [`cli`] | the command line |
//! | [`config`] | the configuration: file, environment, `--set` |
//! | [`rulefiles`] | rules files to a compiled rule set and its diagnostics |
//! | [`check`], [`mod@replay`], [`mod@run`], [`alerts`] | the commands |
//! | [`exit`] | exit codes, and the one sentence that an error is |

#![forbid(unsafe_code)]

pub mod alerts;
pub mod check;
pub mod cli;
pub mod config;
pub mod exit;
mod logging;
pub mod replay;
pub mod rulefiles;
pub mod run;
mod settings;

use std::panic::catch_unwind;

use clap::Parser;

use crate::cli::{Cli, Command};
use crate::exit::{Exit, Failure};

/// Reads the command line and does what it says.
#[must_use]
pub fn main() -> Exit {
    logging::tell_panics();
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are no errors, and go to the standard output.
            let usage = error.use_stderr();
            // A closed standard output is nobody's concern here.
            let _ = error.print();
            return if usage { Exit::Usage } else { Exit::Ok };
        }
    };
    // What panics outside of a worker's burst ends the process, with its own exit code.
    match catch_unwind(|| dispatch(&cli.command)) {
        Ok(Ok(())) => Exit::Ok,
        Ok(Err(failure)) => {
            eprintln!("sensor-gateway: {failure}");
            failure.exit
        }
        Err(_) => Exit::Runtime,
    }
}

fn dispatch(command: &Command) -> Result<(), Failure> {
    match command {
        Command::Run(args) => run::run(args),
        Command::Replay(args) => replay::replay(args),
        Command::Check(args) => check::check(args),
        Command::Alerts(args) => alerts::alerts(args),
    }
}
