//! Where the alerts of a replay go: EVE lines, or lines for people.

use std::collections::BTreeMap;
use std::fmt;
use std::fs::File;
use std::io::{self, Write};
use std::path::Path;

use contract::{AlertDrop, FiveTuple};
use control::{
    Alert, AlertSink, AlertView, Claim, EveOptions, EveWriter, Outcome, Ticket, UtcTime,
};

use super::summary::Alerted;
use crate::cli::is_stdout;
use crate::exit::{Exit, Failure};

/// Writes alerts, ends their tickets, and counts them by signature.
pub(super) struct AlertOutput {
    form: Form,
    /// For the message of a failure.
    name: String,
    /// Tickets of lines that have not reached the output.
    waiting: Vec<Ticket>,
    alerted: BTreeMap<(u32, u32), Alerted>,
    failure: Option<Failure>,
}

enum Form {
    Eve(EveWriter<Box<dyn Write>>),
    Lines(io::BufWriter<io::Stdout>),
}

impl AlertOutput {
    /// Opens the EVE file `eve` anew, or the standard output for `-`; without one, alerts are printed as
    /// lines for people.
    pub(super) fn open(eve: Option<&Path>, payload: bool) -> Result<Self, Failure> {
        let options = EveOptions { payload, packet_number: true };
        let (form, name) = match eve {
            None => (Form::Lines(io::BufWriter::new(io::stdout())), "standard output".into()),
            Some(path) if is_stdout(path) => (
                Form::Eve(EveWriter::new(Box::new(io::stdout()), options)),
                "standard output".into(),
            ),
            Some(path) => {
                let file = File::create(path).map_err(|error| cannot_open(path, &error))?;
                (Form::Eve(EveWriter::new(Box::new(file), options)), path.display().to_string())
            }
        };
        let (waiting, alerted) = (Vec::new(), BTreeMap::new());
        Ok(Self { form, name, waiting, alerted, failure: None })
    }

    /// Writes what waits.
    pub(super) fn finish(&mut self) {
        let written = match &mut self.form {
            Form::Eve(writer) => writer.flush().map(drop).map_err(|error| error.to_string()),
            Form::Lines(out) => out.flush().map_err(|error| error.to_string()),
        };
        self.settle(written);
    }

    /// What went wrong first, if anything.
    pub(super) fn take_failure(&mut self) -> Option<Failure> {
        self.failure.take()
    }

    /// Alerts by signature.
    pub(super) fn take_alerted(&mut self) -> BTreeMap<(u32, u32), Alerted> {
        std::mem::take(&mut self.alerted)
    }

    fn write(&mut self, alert: &Alert) -> Result<bool, String> {
        match &mut self.form {
            Form::Eve(writer) => {
                writer.write(alert).map(|reached| reached > 0).map_err(|error| error.to_string())
            }
            Form::Lines(out) => {
                writeln!(out, "{}", Line(alert)).map(|()| false).map_err(|error| error.to_string())
            }
        }
    }

    fn settle(&mut self, written: Result<(), String>) {
        let outcome = match written {
            Ok(()) => Outcome::Written,
            Err(reason) => {
                let message = format!("{}: {reason}; make room, or name another file", self.name);
                self.failure.get_or_insert(Failure::new(Exit::Output, message));
                Outcome::Dropped(AlertDrop::SinkFailed)
            }
        };
        for ticket in self.waiting.drain(..) {
            ticket.end(outcome);
        }
    }
}

fn cannot_open(path: &Path, error: &io::Error) -> Failure {
    let message =
        format!("{}: {error}; name a file in a directory that this user may write", path.display());
    Failure::new(Exit::Output, message)
}

impl AlertSink for AlertOutput {
    fn alert(&mut self, alert: &AlertView<'_>, claim: Claim<'_>) {
        let alert = alert.to_alert();
        let signature = &alert.signature;
        let alerted = self
            .alerted
            .entry((signature.gid, signature.sid))
            .or_insert_with(|| Alerted { count: 0, msg: signature.msg.clone() });
        alerted.count += 1;
        self.waiting.push(claim.ticket());
        match self.write(&alert) {
            Ok(false) => {}
            Ok(true) => self.settle(Ok(())),
            Err(reason) => self.settle(Err(reason)),
        }
    }
}

/// An alert for people, on one line.
struct Line<'a>(&'a Alert);

impl fmt::Display for Line<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Alert { header, tuple, signature, .. } = self.0;
        write!(
            f,
            "{} packet {} [{}:{}:{}] {} (priority {}) ",
            UtcTime(header.wall_ns),
            header.packet,
            signature.gid,
            signature.sid,
            signature.rev,
            signature.msg,
            signature.severity,
        )?;
        let Some(tuple) = tuple else { return f.write_str("not decoded") };
        let FiveTuple { source, destination, source_port, destination_port, protocol } = tuple;
        write!(f, "protocol {protocol} {source} {source_port} -> {destination} {destination_port}")
    }
}
