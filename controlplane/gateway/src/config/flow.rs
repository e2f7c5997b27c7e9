//! `[flow]` and `[vlan]`: how many flows are kept, for how long, and what tells them apart.

use std::marker::PhantomData;

use flow::{EmergencyMarks, ProtocolTimeouts, StageTimeouts, Timeouts};
use serde::{Deserialize, Serialize};

use super::validate::{Invalid, require};

const NS_PER_S: u64 = 1_000_000_000;
/// Longest time-out, seconds: eleven days.
const TIMEOUT_S_MAX: u64 = 1_000_000;
/// Most flows of a worker.
const FLOWS_MAX: usize = 1 << 26;

/// `[flow]`: a worker's table of flows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Flow {
    /// Flows that a worker keeps.
    pub flows_max: usize,
    /// Percent of these from which on emergency time-outs apply.
    pub emergency_percent: u8,
    /// Percent of these that must be free again for the normal ones to apply.
    pub emergency_recovery_percent: u8,
    /// How long a flow may be silent.
    pub timeouts: FlowTimeouts,
}

impl Default for Flow {
    fn default() -> Self {
        let settings = pipeline::Settings::default();
        Self {
            flows_max: settings.flows_max,
            emergency_percent: settings.emergency.from_percent,
            emergency_recovery_percent: settings.emergency.recovery_percent,
            timeouts: FlowTimeouts::default(),
        }
    }
}

/// `[flow.timeouts]`: silence that ends a flow, by protocol (Suricata's `flow-timeouts`).
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FlowTimeouts {
    /// TCP.
    pub tcp: StageSeconds<Tcp>,
    /// UDP.
    pub udp: StageSeconds<Udp>,
    /// ICMP.
    pub icmp: StageSeconds<Icmp>,
    /// All other protocols.
    pub default: StageSeconds<Other>,
}

/// Protocols that have defaults of their own.
pub trait Protocol {
    /// These defaults.
    fn defaults() -> ProtocolTimeouts;
}

/// Declares a type for a protocol, whose defaults are one of [`Timeouts`]' fields.
macro_rules! protocols {
    ($($(#[$doc:meta])* $name:ident = $field:ident,)+) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub struct $name;

        impl Protocol for $name {
            fn defaults() -> ProtocolTimeouts {
                Timeouts::default().$field
            }
        }
    )+ };
}

protocols! {
    /// The protocol of [`FlowTimeouts::tcp`].
    Tcp = tcp,
    /// The protocol of [`FlowTimeouts::udp`].
    Udp = udp,
    /// The protocol of [`FlowTimeouts::icmp`].
    Icmp = icmp,
    /// The protocols of [`FlowTimeouts::default`].
    Other = default,
}

/// Seconds of silence that end a flow, by its stage. Each protocol has its own type, since each has its
/// own defaults.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields, bound = "P: Protocol")]
pub struct StageSeconds<P> {
    /// Not answered; for TCP, before its handshake is complete.
    pub new_s: u64,
    /// Answered.
    pub established_s: u64,
    /// Closed.
    pub closed_s: u64,
    /// Bypassed.
    pub bypassed_s: u64,
    /// The same in an emergency.
    pub emergency_new_s: u64,
    /// The same in an emergency.
    pub emergency_established_s: u64,
    /// The same in an emergency.
    pub emergency_closed_s: u64,
    /// The same in an emergency.
    pub emergency_bypassed_s: u64,
    #[serde(skip)]
    protocol: PhantomData<P>,
}

impl<P: Protocol> Default for StageSeconds<P> {
    fn default() -> Self {
        let ProtocolTimeouts { normal, emergency } = P::defaults();
        Self {
            new_s: normal.new_ns / NS_PER_S,
            established_s: normal.established_ns / NS_PER_S,
            closed_s: normal.closed_ns / NS_PER_S,
            bypassed_s: normal.bypassed_ns / NS_PER_S,
            emergency_new_s: emergency.new_ns / NS_PER_S,
            emergency_established_s: emergency.established_ns / NS_PER_S,
            emergency_closed_s: emergency.closed_ns / NS_PER_S,
            emergency_bypassed_s: emergency.bypassed_ns / NS_PER_S,
            protocol: PhantomData,
        }
    }
}

impl<P> StageSeconds<P> {
    /// The same in the terms of the table. No emergency makes a time-out longer.
    fn timeouts(&self) -> ProtocolTimeouts {
        let shorter_ns = |normal_s: u64, emergency_s: u64| normal_s.min(emergency_s) * NS_PER_S;
        ProtocolTimeouts {
            normal: StageTimeouts {
                new_ns: self.new_s * NS_PER_S,
                established_ns: self.established_s * NS_PER_S,
                closed_ns: self.closed_s * NS_PER_S,
                bypassed_ns: self.bypassed_s * NS_PER_S,
            },
            emergency: StageTimeouts {
                new_ns: shorter_ns(self.new_s, self.emergency_new_s),
                established_ns: shorter_ns(self.established_s, self.emergency_established_s),
                closed_ns: shorter_ns(self.closed_s, self.emergency_closed_s),
                bypassed_ns: shorter_ns(self.bypassed_s, self.emergency_bypassed_s),
            },
        }
    }

    /// The keys, their values, and the least that they may be: a closed flow has nothing to wait for.
    fn values(&self) -> [(&'static str, u64, u64); 8] {
        [
            ("new_s", self.new_s, 1),
            ("established_s", self.established_s, 1),
            ("closed_s", self.closed_s, 0),
            ("bypassed_s", self.bypassed_s, 1),
            ("emergency_new_s", self.emergency_new_s, 1),
            ("emergency_established_s", self.emergency_established_s, 1),
            ("emergency_closed_s", self.emergency_closed_s, 0),
            ("emergency_bypassed_s", self.emergency_bypassed_s, 1),
        ]
    }
}

impl Flow {
    /// The time-outs in the terms of the pipeline.
    pub(crate) fn timeouts(&self) -> Timeouts {
        let FlowTimeouts { tcp, udp, icmp, default } = &self.timeouts;
        Timeouts {
            tcp: tcp.timeouts(),
            udp: udp.timeouts(),
            icmp: icmp.timeouts(),
            default: default.timeouts(),
        }
    }

    /// The marks of the emergency in the terms of the pipeline.
    pub(crate) const fn emergency(&self) -> EmergencyMarks {
        EmergencyMarks {
            from_percent: self.emergency_percent,
            recovery_percent: self.emergency_recovery_percent,
        }
    }

    /// Checks what the types cannot say.
    pub(super) fn validate(&self) -> Result<(), Invalid> {
        require((1..=FLOWS_MAX).contains(&self.flows_max), "flow.flows_max", || {
            format!("{} is out of range; use 1 to {FLOWS_MAX}", self.flows_max)
        })?;
        let (from, free) = (self.emergency_percent, self.emergency_recovery_percent);
        require((1..=100).contains(&from), "flow.emergency_percent", || {
            format!("{from} is out of range; use 1 to 100")
        })?;
        // Else an emergency would be over as soon as it began.
        let free_min = 100 - from;
        let is_below = (free_min..100).contains(&free);
        require(is_below, "flow.emergency_recovery_percent", || {
            format!(
                "{free} is out of range; use {free_min} to 99, so that what emergency_percent = {from} \
                 begins does not end at once"
            )
        })?;
        let FlowTimeouts { tcp, udp, icmp, default } = &self.timeouts;
        for (protocol, values) in [
            ("tcp", tcp.values()),
            ("udp", udp.values()),
            ("icmp", icmp.values()),
            ("default", default.values()),
        ] {
            for (name, value, least) in values {
                let key = format!("flow.timeouts.{protocol}.{name}");
                require((least..=TIMEOUT_S_MAX).contains(&value), &key, || {
                    format!("{value} is out of range; use {least} to {TIMEOUT_S_MAX} seconds")
                })?;
            }
        }
        Ok(())
    }
}

/// `[vlan]`: what VLAN tags mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Vlan {
    /// They tell flows and fragments apart.
    pub use_for_tracking: bool,
}

impl Default for Vlan {
    fn default() -> Self {
        Self { use_for_tracking: pipeline::Settings::default().vlan_tracking }
    }
}

#[cfg(test)]
mod tests {
    use super::{Flow, NS_PER_S};

    #[test]
    fn an_emergency_makes_nothing_longer() {
        let mut flow = Flow::default();
        flow.timeouts.tcp.new_s = 3;
        let tcp = flow.timeouts().tcp;
        assert_eq!((tcp.normal.new_ns, tcp.emergency.new_ns), (3 * NS_PER_S, 3 * NS_PER_S));
        assert_eq!(tcp.emergency.established_ns, 100 * NS_PER_S);
    }

    #[test]
    fn what_cannot_be_is_refused() {
        let refused = |change: fn(&mut Flow)| {
            let mut flow = Flow::default();
            change(&mut flow);
            flow.validate().unwrap_err().key
        };
        assert_eq!(Flow::default().validate(), Ok(()));
        assert_eq!(refused(|flow| flow.flows_max = 0), "flow.flows_max");
        assert_eq!(refused(|flow| flow.emergency_percent = 101), "flow.emergency_percent");
        for recovery in [19, 100] {
            let mut flow = Flow { emergency_recovery_percent: recovery, ..Flow::default() };
            let invalid = flow.validate().unwrap_err();
            assert_eq!(invalid.key, "flow.emergency_recovery_percent");
            assert!(invalid.reason.contains("use 20 to 99"), "{}", invalid.reason);
            flow.emergency_recovery_percent = 20;
            assert_eq!(flow.validate(), Ok(()));
        }
        let key = refused(|flow| flow.timeouts.icmp.emergency_new_s = 0);
        assert_eq!(key, "flow.timeouts.icmp.emergency_new_s");
        let key = refused(|flow| flow.timeouts.default.closed_s = 1_000_001);
        assert_eq!(key, "flow.timeouts.default.closed_s");
    }
}
