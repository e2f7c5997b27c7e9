//! The command line of `alerts`.

use std::str::FromStr;
use std::time::Duration;

use clap::{Args, Subcommand};

use super::filter::Protocol;
use super::network::Network;
use crate::cli::{ConfigArgs, exit_codes};

/// Arguments of `alerts`.
#[derive(Debug, Args)]
pub struct Alerts {
    /// What to do with them.
    #[command(subcommand)]
    pub what: What,
}

/// The commands below `alerts`.
#[derive(Debug, Subcommand)]
pub enum What {
    /// Print the alerts that sensors publish on NATS, as they come, each once. Needs no sensor's
    /// configuration where --server says where to connect.
    #[command(after_help = exit_codes())]
    Tail(Tail),
}

/// Arguments of `alerts tail`.
#[derive(Debug, Args)]
pub struct Tail {
    /// Where the configuration comes from: its `[nats]` says the servers, the credentials and the stream.
    #[command(flatten)]
    pub config: ConfigArgs,
    /// NATS server (nats://host:4222, tls://host:4222) instead of those of nats.servers; may be repeated.
    #[arg(long, value_name = "URL")]
    pub server: Vec<String>,
    /// Listen to the subjects, without a stream: what is published meanwhile, unacknowledged.
    #[arg(long, conflicts_with_all = ["from", "durable", "no_follow"])]
    pub core: bool,
    /// Where in the stream to begin: `new`, `all`, or how far back (`90s`, `10m`, `2h`, `7d`). Default:
    /// new. A durable consumer that exists goes on where it was, whatever this says.
    #[arg(long, value_name = "WHERE")]
    pub from: Option<From>,
    /// Read by the durable consumer of this name, made where it is absent: batches are acknowledged once
    /// their alerts are printed, and the next run goes on behind them.
    #[arg(long, value_name = "NAME", value_parser = plain_word)]
    pub durable: Option<String>,
    /// End after this many alerts.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub count: Option<u64>,
    /// Go on when all that the stream holds is printed (the default).
    #[arg(long, overrides_with = "no_follow")]
    pub follow: bool,
    /// End when all that the stream holds is printed.
    #[arg(long)]
    pub no_follow: bool,
    /// Print EVE JSON lines, with sensor, site and id.
    #[arg(long)]
    pub json: bool,
    /// With --json, the packet's payload in base64.
    #[arg(long, requires = "json")]
    pub payload: bool,
    /// Which alerts.
    #[command(flatten)]
    pub filters: Filters,
}

/// Which alerts to print: those that satisfy every filter given.
#[derive(Clone, Debug, Default, Args)]
#[command(next_help_heading = "Filters (all that are given must hold)")]
pub struct Filters {
    /// Severity N and above: 1 is the highest, so at most this number.
    #[arg(long, value_name = "N")]
    pub severity: Option<u8>,
    /// Signature id; may be repeated, or a list with commas.
    #[arg(long, value_name = "SID", value_delimiter = ',')]
    pub sid: Vec<u32>,
    /// Name of the sensor.
    #[arg(long, value_name = "NAME", value_parser = plain_word)]
    pub sensor: Option<String>,
    /// Site of the sensor.
    #[arg(long, value_name = "NAME", value_parser = plain_word)]
    pub site: Option<String>,
    /// Source address, or network (192.0.2.0/24).
    #[arg(long, value_name = "ADDRESS")]
    pub src: Option<Network>,
    /// Destination address, or network.
    #[arg(long, value_name = "ADDRESS")]
    pub dst: Option<Network>,
    /// Port of either side.
    #[arg(long, value_name = "PORT")]
    pub port: Option<u16>,
    /// Protocol: a name (tcp, udp, icmp, …) or its IANA number.
    #[arg(long, value_name = "PROTOCOL")]
    pub proto: Option<Protocol>,
    /// Part of the rule's message, in upper or lower case.
    #[arg(long, value_name = "TEXT")]
    pub msg: Option<String>,
}

/// Where in the stream to begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    /// What is published from now on.
    New,
    /// All that the stream holds.
    All,
    /// What the stream has got within this time.
    Last(Duration),
}

impl FromStr for From {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "new" => return Ok(Self::New),
            "all" => return Ok(Self::All),
            _ => {}
        }
        let wrong = || "write new, all, or a number and s, m, h or d, as in 10m".to_owned();
        let (last, unit) = text.char_indices().next_back().ok_or_else(wrong)?;
        let seconds: u64 = match unit {
            's' => 1,
            'm' => 60,
            'h' => 3_600,
            'd' => 86_400,
            _ => return Err(wrong()),
        };
        // Ten digits of any unit are far from an overflow, and longer than any stream.
        let number = &text[..last];
        let digits = number.len() <= 10 && number.bytes().all(|byte| byte.is_ascii_digit());
        let number: u64 = if digits { number.parse().ok() } else { None }.ok_or_else(wrong)?;
        Ok(Self::Last(Duration::from_secs(number * seconds)))
    }
}

/// A word that can be a part of a subject or the name of a consumer.
fn plain_word(word: &str) -> Result<String, String> {
    let plain = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
    if word.is_empty() || !word.chars().all(plain) {
        return Err("use letters, digits, - and _".to_owned());
    }
    Ok(word.to_owned())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::{From, plain_word};

    #[test]
    fn a_beginning_is_a_word_or_a_time() {
        let last = |seconds| Ok(From::Last(Duration::from_secs(seconds)));
        assert_eq!("new".parse(), Ok(From::New));
        assert_eq!("all".parse(), Ok(From::All));
        assert_eq!("90s".parse(), last(90));
        assert_eq!("10m".parse(), last(600));
        assert_eq!("2h".parse(), last(7_200));
        assert_eq!("9999999999d".parse(), last(9_999_999_999 * 86_400));
        for wrong in ["", "m", "10", "10w", "-1s", "+1s", "1.5h", "10ä", "99999999999d", "New"] {
            assert!(wrong.parse::<From>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn wildcards_are_no_names() {
        assert_eq!(plain_word("s-1_A"), Ok("s-1_A".into()));
        for wrong in ["", "*", "a.b", ">", "a b"] {
            assert!(plain_word(wrong).is_err(), "{wrong}");
        }
    }
}
