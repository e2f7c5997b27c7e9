//! The command line. Where Suricata has a habit (`-c`, `-r`, `-S`, `-l`), it is kept.

use std::path::{Path, PathBuf};

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::alerts::Alerts;
use crate::config::{self, Config};
use crate::exit::{Exit, Failure};

/// Network intrusion detection: rules in Suricata's language, packets over DPDK, alerts on NATS.
#[derive(Debug, Parser)]
#[command(name = "sensor-gateway", version, propagate_version = true, after_help = exit_codes())]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// The commands.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Inspect live traffic until stopped.
    #[command(after_help = exit_codes())]
    Run(Run),
    /// Inspect a capture file and print what alerted. Needs neither DPDK nor NATS.
    #[command(after_help = exit_codes())]
    Replay(Replay),
    /// Check the configuration and the rules, and say what does not load and why.
    #[command(after_help = exit_codes())]
    Check(Check),
    /// Read the alerts that sensors publish on NATS.
    #[command(after_help = exit_codes())]
    Alerts(Alerts),
}

/// Where the configuration comes from.
#[derive(Clone, Debug, Default, Args)]
pub struct ConfigArgs {
    /// Configuration file, TOML (docs/configuration.md has every key).
    #[arg(short = 'c', long = "config", value_name = "FILE")]
    pub file: Option<PathBuf>,
    /// Override one key; may be repeated. Environment variables SENSOR_GATEWAY__SECTION__KEY do the
    /// same with less weight.
    #[arg(long = "set", value_name = "SECTION.KEY=VALUE")]
    pub set: Vec<String>,
}

impl ConfigArgs {
    /// The configuration: file, then environment, then `--set`.
    ///
    /// # Errors
    /// [`Exit::Usage`] with the first thing that is wrong.
    pub fn load(&self) -> Result<Config, Failure> {
        let environment = std::env::vars_os().filter_map(|(name, value)| {
            Some((name.into_string().ok()?, value.into_string().ok()?))
        });
        let mut overrides = config::from_environment(environment);
        for written in &self.set {
            let one = config::from_set(written).map_err(|e| Failure::new(Exit::Usage, e))?;
            overrides.push(one);
        }
        config::load(self.file.as_deref(), &overrides).map_err(|e| Failure::new(Exit::Usage, e))
    }
}

/// Arguments of `run`.
#[derive(Debug, Args)]
pub struct Run {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
}

/// Arguments of `replay`.
#[derive(Debug, Args)]
pub struct Replay {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Capture file, pcap or pcapng.
    #[arg(short = 'r', long, value_name = "FILE")]
    pub pcap: PathBuf,
    /// Rules file, instead of those of the configuration; may be repeated.
    #[arg(short = 'S', long, value_name = "FILE")]
    pub rules: Vec<PathBuf>,
    /// Write alerts as EVE JSON lines to this file; `-` is the standard output.
    #[arg(long, value_name = "FILE")]
    pub eve: Option<PathBuf>,
    /// Write alerts to eve.json in this directory.
    #[arg(short = 'l', long, value_name = "DIR", conflicts_with = "eve")]
    pub log_dir: Option<PathBuf>,
    /// Print every rule that does not load, not just how many.
    #[arg(short, long)]
    pub verbose: bool,
}

impl Replay {
    /// Where EVE lines go, if anywhere.
    #[must_use]
    pub fn eve_path(&self) -> Option<PathBuf> {
        let in_dir = |dir: &PathBuf| dir.join("eve.json");
        self.eve.clone().or_else(|| self.log_dir.as_ref().map(in_dir))
    }
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct Check {
    /// Where the configuration comes from.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// Rules file, instead of those of the configuration; may be repeated.
    #[arg(short = 'S', long, value_name = "FILE")]
    pub rules: Vec<PathBuf>,
    /// Form of the report.
    #[arg(long, value_enum, default_value_t)]
    pub output: Output,
    /// Fail if any rule is refused.
    #[arg(long)]
    pub strict: bool,
}

/// Forms of a report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Output {
    /// For people.
    #[default]
    Text,
    /// One JSON object.
    Json,
}

/// Whether `path` stands for the standard output.
#[must_use]
pub fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// The exit codes, for `--help`.
pub(crate) fn exit_codes() -> String {
    let mut text = String::from("Exit codes:");
    for exit in Exit::ALL {
        text.push_str(&format!("\n  {}  {}", exit as u8, exit.meaning()));
    }
    text
}

#[cfg(test)]
mod tests {
    use clap::{CommandFactory, Parser};

    use super::{Cli, Command};

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn suricatas_letters_are_known() {
        let words = ["sensor-gateway", "replay", "-r", "a.pcap", "-S", "a.rules", "-l", "out"];
        let Command::Replay(replay) = Cli::try_parse_from(words).unwrap().command else {
            panic!("not a replay");
        };
        assert_eq!(replay.eve_path().unwrap().to_str(), Some("out/eve.json"));
    }

    #[test]
    fn help_lists_every_exit_code() {
        let help = Cli::command().render_help().to_string();
        for exit in crate::exit::Exit::ALL {
            assert!(help.contains(exit.meaning()), "{help}");
        }
    }
}
