//! What one inspection tells.

/// Index of a signature in [`RuleSet::signatures`](crate::RuleSet::signatures).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct SignatureIndex(pub u32);

/// A rule that matched, and where.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// The rule.
    pub signature: SignatureIndex,
    /// Which of [`Inspect::chunks`](crate::Inspect::chunks) it matched in; `None` for the packet.
    pub chunk: Option<u8>,
}

/// How far a matching `pass` rule reaches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PassScope {
    /// No alert is raised for this packet.
    Packet,
    /// The rule is about addresses only: the peer then skips detection for the rest of the flow too.
    Flow,
}

/// What one inspection did; the alerts themselves are in [`Scratch::alerts`](crate::Scratch::alerts).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// Rules that the prefilters named; tells whether they work.
    pub candidates: u32,
    /// Payload bytes that the multi-pattern prefilter scanned.
    pub bytes_scanned: u32,
    /// Rules given up at a limit: [`INSPECTION_STEPS_MAX`](crate::INSPECTION_STEPS_MAX) or
    /// [`INSPECTION_WORK_MAX`](crate::INSPECTION_WORK_MAX).
    pub match_limit_hits: u32,
    /// Alerts beyond `alerts_per_packet_max`, cut from the end of the order.
    pub alerts_cut: u32,
    /// A `pass` rule matched: nothing of lower order is raised.
    pub pass: Option<PassScope>,
    /// A rule with `bypass` matched: later packets of the flow are not to be inspected.
    pub bypass: bool,
}
