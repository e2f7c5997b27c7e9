//! Which alerts are printed.

use std::str::FromStr;

use alert_schema::{AlertFields, BatchHead};
use contract::FiveTuple;
use control::EveProtocol;

use super::args::Filters;

/// An IP protocol by name or number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Protocol(u8);

impl FromStr for Protocol {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        if let Ok(number) = text.parse() {
            return Ok(Self(number));
        }
        // EVE's name is IPv6-ICMP; rules say icmpv6.
        let text = if text.eq_ignore_ascii_case("icmpv6") { "IPv6-ICMP" } else { text };
        let named = |number: &u8| EveProtocol(*number).to_string().eq_ignore_ascii_case(text);
        let number = (0..=u8::MAX).find(named);
        number
            .map(Self)
            .ok_or_else(|| "write tcp, udp, icmp, icmpv6, sctp … or a number".to_owned())
    }
}

/// Whether the source and destination ports of `protocol` are ports; for ICMP they are type and code.
pub(super) const fn has_ports(protocol: u8) -> bool {
    matches!(protocol, 6 | 17 | 132)
}

impl Filters {
    /// Whether an alert of a batch satisfies every filter.
    #[must_use]
    pub fn admit(&self, head: &BatchHead<'_>, alert: &AlertFields<'_>) -> bool {
        let rule = &alert.signature;
        self.severity.is_none_or(|lowest| rule.severity <= lowest)
            && (self.sid.is_empty() || self.sid.contains(&rule.sid))
            && self.sensor.as_ref().is_none_or(|sensor| sensor == head.sensor)
            && self.site.as_ref().is_none_or(|site| site == head.site)
            && self.msg.as_ref().is_none_or(|part| contains(rule.msg, part))
            && self.admit_tuple(alert.tuple.as_ref())
    }

    /// Whether the packet's addresses satisfy the filters on them; one without addresses, none of these.
    fn admit_tuple(&self, tuple: Option<&FiveTuple>) -> bool {
        let holds = |test: &dyn Fn(&FiveTuple) -> bool| tuple.is_some_and(test);
        let has_port = |tuple: &FiveTuple, port| {
            has_ports(tuple.protocol) && [tuple.source_port, tuple.destination_port].contains(&port)
        };
        self.src.is_none_or(|network| holds(&|tuple| network.contains(tuple.source)))
            && self.dst.is_none_or(|network| holds(&|tuple| network.contains(tuple.destination)))
            && self.port.is_none_or(|port| holds(&|tuple| has_port(tuple, port)))
            && self.proto.is_none_or(|protocol| holds(&|tuple| protocol.0 == tuple.protocol))
    }

    /// The subjects that can carry such alerts.
    #[must_use]
    pub fn subject(&self) -> String {
        let token = |name: &Option<String>| name.clone().unwrap_or_else(|| "*".to_owned());
        format!("sensor.{}.{}.alert.*", token(&self.site), token(&self.sensor))
    }
}

fn contains(text: &str, part: &str) -> bool {
    text.to_lowercase().contains(&part.to_lowercase())
}

#[cfg(test)]
mod tests {
    use clap::{Args as _, FromArgMatches as _};

    use contract::FiveTuple;

    use super::Filters;
    use crate::alerts::print::tests::{alert, head};

    /// Whether the filters of a command line admit the sample alert, after `change`.
    fn admits(words: &[&str], change: impl Fn(&mut alert_schema::AlertFields<'_>)) -> bool {
        let command = Filters::augment_args(clap::Command::new("tail"));
        let matches = command.try_get_matches_from(["tail"].iter().chain(words)).unwrap();
        let mut alert = alert();
        change(&mut alert);
        Filters::from_arg_matches(&matches).unwrap().admit(&head(), &alert)
    }

    #[test]
    fn each_filter_admits_and_refuses() {
        for (yes, no) in [
            (["--severity", "2"], ["--severity", "1"]),
            (["--sid", "7,9"], ["--sid", "7,8"]),
            (["--sensor", "s1"], ["--sensor", "s2"]),
            (["--site", "lab"], ["--site", "la"]),
            (["--src", "192.0.2.0/24"], ["--src", "198.51.100.2"]),
            (["--dst", "198.51.100.2"], ["--dst", "192.0.2.1"]),
            (["--port", "80"], ["--port", "81"]),
            (["--port", "49152"], ["--port", "0"]),
            (["--proto", "tcp"], ["--proto", "UDP"]),
            (["--proto", "6"], ["--proto", "058"]),
            (["--msg", "TEST"], ["--msg", "tset"]),
        ] {
            assert!(admits(&yes, |_| ()), "{yes:?}");
            assert!(!admits(&no, |_| ()), "{no:?}");
        }
    }

    #[test]
    fn filters_hold_together() {
        assert!(admits(&[], |_| ()));
        assert!(admits(&["--sid", "9", "--sid", "1", "--port", "80"], |_| ()));
        assert!(!admits(&["--sid", "9", "--port", "81"], |_| ()));
    }

    #[test]
    fn type_and_code_of_icmp_are_no_ports() {
        let icmp = |alert: &mut alert_schema::AlertFields<'_>| {
            alert.tuple = alert.tuple.map(|tuple| FiveTuple { protocol: 58, ..tuple });
        };
        assert!(!admits(&["--port", "80"], icmp));
        assert!(admits(&["--proto", "icmpv6"], icmp) && admits(&["--proto", "ipv6-icmp"], icmp));
        assert!(!admits(&["--proto", "icmp"], icmp));
    }

    #[test]
    fn an_alert_without_addresses_satisfies_no_filter_on_them() {
        let undecoded = |alert: &mut alert_schema::AlertFields<'_>| alert.tuple = None;
        assert!(admits(&["--sid", "9"], undecoded));
        for words in [["--src", "0.0.0.0/0"], ["--dst", "::/0"], ["--port", "0"], ["--proto", "0"]]
        {
            assert!(!admits(&words, undecoded), "{words:?}");
        }
    }

    #[test]
    fn the_subject_names_what_is_known() {
        let mut filters = Filters::default();
        assert_eq!(filters.subject(), "sensor.*.*.alert.*");
        filters.site = Some("lab".into());
        filters.sensor = Some("s1".into());
        assert_eq!(filters.subject(), "sensor.lab.s1.alert.*");
    }
}
