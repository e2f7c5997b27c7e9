//! Keywords that change nothing of what a passive sensor alerts on: `replace`, `prefilter`.

use super::{Argument, Lowering};
use crate::diagnostic::Fault;
use crate::hir::FastPattern;

/// Keywords that belong to a content before them, so that they are not what `prefilter` speaks of.
const MODIFIERS: &[&str] = &[
    "depth",
    "distance",
    "endswith",
    "fast_pattern",
    "nocase",
    "offset",
    "rawbytes",
    "replace",
    "startswith",
    "within",
];

/// Keywords by which Suricata can choose the packets that a rule is looked at for.
const PREFILTERS: &[&str] = &[
    "dsize",
    "flow",
    "flow.age",
    "fragbits",
    "fragoffset",
    "icmp_id",
    "icmp_seq",
    "icmpv6.mtu",
    "icode",
    "id",
    "itype",
    "stream_size",
    "tcp.ack",
    "tcp.flags",
    "tcp.mss",
    "tcp.seq",
    "ttl",
];

/// Whether `keyword` is something that `prefilter` can speak of: neither a modifier nor about the rule.
pub(super) fn is_test(keyword: &crate::keyword::Keyword) -> bool {
    use crate::keyword::Category::{App, Packet, Payload, State};
    matches!(keyword.category, Packet | Payload | State | App)
        && !MODIFIERS.contains(&keyword.name)
        && keyword.name != "prefilter"
}

pub(crate) fn prefilter(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    if std::mem::replace(&mut lowering.prefilter, true) {
        return Err(argument.conflict("a rule can have one `prefilter` only"));
    }
    match lowering.previous {
        None => Err(argument.conflict("`prefilter` has no keyword before it")),
        Some("content") => {
            let (content, _) = lowering.modify(&argument)?;
            if content.fast_pattern != FastPattern::Auto {
                return Ok(());
            }
            super::content::choose(lowering, &argument, FastPattern::Chosen)
        }
        Some(keyword) if PREFILTERS.contains(&keyword) => Ok(()),
        Some(keyword) => {
            Err(argument.conflict(format!("`{keyword}` is nothing that `prefilter` can use")))
        }
    }
}

/// A passive Suricata does not even look at the value.
pub(crate) const fn replace(_: &mut Lowering<'_>, _: Argument<'_>) -> Result<(), Fault> {
    Ok(())
}
