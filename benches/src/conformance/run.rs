//! Runs the sensor over cases, several at once, each with its own output folder and time limit.

use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek, SeekFrom};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use serde_json::Value;

use super::case::{Case, Counts};
use super::compare::{Outcome, Verdict};

/// How much of the sensor's last output is kept of a run that failed, in bytes.
const TAIL_LEN: u64 = 400;

/// A sensor's command line, and how to run it.
#[derive(Debug)]
pub struct Runner {
    /// Words of the command. In each, `{pcap}`, `{rules}`, `{out}`, `{outdir}` and `{case}` are
    /// replaced.
    pub command: Vec<String>,
    /// Cases that run at the same time, at least one.
    pub jobs: usize,
    /// How long one case may take; then its whole process group is killed.
    pub timeout: Duration,
}

impl Runner {
    /// Runs every case and judges it; verdicts come in the order of `cases`. `progress` is told
    /// how many are done.
    ///
    /// # Errors
    /// If a temporary folder cannot be made, or an output file cannot be read.
    pub fn run(&self, cases: &[Case], progress: impl Fn(usize) + Sync) -> Result<Vec<Verdict>> {
        ensure!(!self.command.is_empty(), "the command is empty");
        let (next, done) = (AtomicUsize::new(0), AtomicUsize::new(0));
        let verdicts = Mutex::new(Vec::with_capacity(cases.len()));
        thread::scope(|scope| -> Result<()> {
            let work = || -> Result<()> {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(case) = cases.get(index) else { return Ok(()) };
                    let verdict = self.run_case(case).with_context(|| case.name.clone())?;
                    lock(&verdicts).push((index, verdict));
                    progress(done.fetch_add(1, Ordering::Relaxed) + 1);
                }
            };
            let workers: Vec<_> = (0..self.jobs.max(1)).map(|_| scope.spawn(work)).collect();
            for worker in workers {
                worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?;
            }
            Ok(())
        })?;
        let mut verdicts = std::mem::take(&mut *lock(&verdicts));
        verdicts.sort_by_key(|(index, _)| *index);
        Ok(verdicts.into_iter().map(|(_, verdict)| verdict).collect())
    }

    fn run_case(&self, case: &Case) -> Result<Verdict> {
        let outdir = tempfile::Builder::new().prefix("conformance-").tempdir()?;
        let out = outdir.path().join("eve.json");
        let log = outdir.path().join("output.txt");
        let outcome = match self.command(case, &out, outdir.path(), &log)?.spawn() {
            Ok(child) => wait(child, self.timeout)?,
            Err(_) => Outcome::Crash,
        };
        let (counts, broken_lines, outcome) = match File::open(&out) {
            Ok(file) => {
                let (counts, broken) = read_alerts(BufReader::new(file))?;
                (counts, broken, outcome)
            }
            Err(_) if outcome == Outcome::Ok => (Counts::new(), 0, Outcome::NoOutput),
            Err(_) => (Counts::new(), 0, outcome),
        };
        let mut verdict = Verdict::new(case, &counts, outcome);
        verdict.broken_lines = broken_lines;
        if outcome != Outcome::Ok {
            verdict.tail = tail(&log)?;
        }
        Ok(verdict)
    }

    fn command(&self, case: &Case, out: &Path, outdir: &Path, log: &Path) -> Result<Command> {
        let fill: [(&str, &Path); 5] = [
            ("{pcap}", &case.pcap),
            ("{rules}", &case.rules),
            ("{out}", out),
            ("{outdir}", outdir),
            ("{case}", &case.dir),
        ];
        let mut words = self.command.iter().map(|word| {
            fill.iter().fold(word.clone(), |word, (name, path)| {
                word.replace(name, &path.display().to_string())
            })
        });
        let log = File::create(log)?;
        let mut command = Command::new(words.next().unwrap_or_default());
        command.args(words).stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        // A group of its own, so that a time-out ends what a wrapper started, too.
        command.process_group(0);
        Ok(command)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

/// Waits for `child`, and kills its process group once `timeout` has passed.
fn wait(mut child: Child, timeout: Duration) -> Result<Outcome> {
    let (done, ended) = channel::<()>();
    let group = format!("-{}", child.id());
    thread::scope(|scope| {
        let watchdog = scope.spawn(move || {
            let late = ended.recv_timeout(timeout) == Err(RecvTimeoutError::Timeout);
            if late {
                // Failing means that the group has just ended by itself.
                let _ = Command::new("kill").args(["-KILL", "--", &group]).output();
            }
            late
        });
        let status = child.wait()?;
        drop(done);
        Ok(match watchdog.join() {
            Ok(true) => Outcome::Timeout,
            _ if status.success() => Outcome::Ok,
            _ => Outcome::Crash,
        })
    })
}

/// Alerts by sid in EVE-style JSON lines, and how many lines could not be read.
fn read_alerts(lines: impl BufRead) -> Result<(Counts, u64)> {
    let (mut counts, mut broken) = (Counts::new(), 0);
    for line in lines.split(b'\n') {
        let line = line?;
        let line = line.trim_ascii();
        if line.is_empty() {
            continue;
        }
        match serde_json::from_slice::<Value>(line) {
            Ok(Value::Object(event)) => {
                if event.get("event_type").and_then(Value::as_str) == Some("alert") {
                    match event.get("alert").and_then(|a| a.get("signature_id")?.as_u64()) {
                        Some(sid) => *counts.entry(sid).or_default() += 1,
                        None => broken += 1,
                    }
                }
            }
            _ => broken += 1,
        }
    }
    Ok((counts, broken))
}

/// The last [`TAIL_LEN`] bytes of a file, as text.
fn tail(path: &PathBuf) -> Result<String> {
    let mut file = File::open(path)?;
    let len = file.metadata()?.len();
    file.seek(SeekFrom::Start(len.saturating_sub(TAIL_LEN)))?;
    let mut text = Vec::new();
    file.read_to_end(&mut text)?;
    Ok(String::from_utf8_lossy(&text).trim().to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{Runner, Verdict, read_alerts};
    use crate::conformance::case::{Case, Counts};
    use crate::conformance::compare::Outcome;

    fn run(command: &[&str], timeout: Duration) -> Verdict {
        let case = Case {
            name: "suite/case".into(),
            dir: "dir".into(),
            pcap: "dir/input.pcap".into(),
            rules: "dir/rules".into(),
            want: Counts::from([(7, 1)]),
            ignored: Default::default(),
        };
        let command = command.iter().map(ToString::to_string).collect();
        let runner = Runner { command, jobs: 2, timeout };
        runner.run(&[case], |_| ()).unwrap().remove(0)
    }

    fn shell(script: &str, timeout: Duration) -> Verdict {
        run(&["sh", "-c", script, "sh", "{pcap}", "{rules}", "{out}"], timeout)
    }

    #[test]
    fn every_way_to_end_has_its_outcome() {
        let long = Duration::from_secs(60);
        let alert = r#"echo '{"event_type":"alert","alert":{"signature_id":7}}' > "$3""#;
        let good = shell(&format!("{alert}; test $1 = dir/input.pcap -a $2 = dir/rules"), long);
        assert!(good.exact, "{good:?}");

        let crash = shell(&format!("{alert}; echo no room; exit 3"), long);
        assert_eq!((crash.outcome, crash.tail.as_str()), (Outcome::Crash, "no room"));
        assert_eq!(crash.alerts.tp, 1);

        assert_eq!(shell("true", long).outcome, Outcome::NoOutput);
        let hang = shell("sleep 1000 & wait", Duration::from_millis(50));
        assert_eq!(hang.outcome, Outcome::Timeout);
    }

    #[test]
    fn a_command_that_does_not_exist_is_a_crash() {
        let missing = tempfile::tempdir().unwrap().path().join("sensor");
        let verdict = run(&[missing.to_str().unwrap()], Duration::from_secs(1));
        assert_eq!(verdict.outcome, Outcome::Crash);
    }

    #[test]
    fn only_alerts_are_read() {
        let lines = concat!(
            "{\"event_type\":\"alert\",\"alert\":{\"signature_id\":1}}\n",
            "\n{\"event_type\":\"flow\"}\r\n",
            "{\"event_type\":\"alert\",\"alert\":{}}\n",
            "not json\n[]\n",
            "{\"event_type\":\"alert\",\"alert\":{\"signature_id\":1}}",
        );
        assert_eq!(read_alerts(lines.as_bytes()).unwrap(), (Counts::from([(1, 2)]), 3));
    }
}
