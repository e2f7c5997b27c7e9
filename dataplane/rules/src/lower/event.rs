//! Keywords that test events of decoding and of streams. As in Suricata, names may be in any case.

use contract::Event;

use super::{Argument, Lowering};
use crate::diagnostic::Fault;
use crate::hir::PacketTest;
use crate::keyword::closest;

const DECODER: &str = "decoder.";
const STREAM: &str = "stream.";

/// `decode-event:ipv4.pkt_too_small`.
pub(crate) fn decode(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    named(lowering, &argument, DECODER, Event::decoder)
}

/// `stream-event:est_invalid_ack`.
pub(crate) fn stream(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    named(lowering, &argument, STREAM, Event::stream)
}

/// `engine-event:decoder.ipv4.pkt_too_small`: either, with its family.
pub(crate) fn engine(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    named(lowering, &argument, "", |name| match name.strip_prefix(STREAM) {
        Some(name) => Event::stream(name),
        None => name.strip_prefix(DECODER).and_then(Event::decoder),
    })
}

/// `family` is what the keyword leaves out of an event's name.
fn named(
    lowering: &mut Lowering<'_>,
    argument: &Argument<'_>,
    family: &str,
    find: fn(&str) -> Option<Event>,
) -> Result<(), Fault> {
    let name = argument.value.text.to_ascii_lowercase();
    if let Some(event) = find(&name) {
        lowering.packet.push(PacketTest::Event(event));
        return Ok(());
    }
    let (value, keyword) = (argument.value.text, argument.name.text);
    let fault = argument.invalid(format!("`{value}` is not an event that `{keyword}` knows"));
    let names = || Event::ALL.iter().filter_map(|event| event.name().strip_prefix(family));
    // The family may be there where it must not be, or lack where it must.
    let meant = name.strip_prefix(family).filter(|_| !family.is_empty());
    let whole = [DECODER, STREAM].map(|family| format!("{family}{name}"));
    let known = |name: &str| names().find(|known| *known == name);
    let near = meant.and_then(known).or_else(|| whole.iter().find_map(|name| known(name)));
    Err(match near.or_else(|| closest(&name, names())) {
        Some(near) => fault.hint(format!("did you mean `{near}`?")),
        None => fault,
    })
}

impl Lowering<'_> {
    /// Whether events are all that the rule asks for beside its header.
    pub(super) fn is_about_events(&self) -> bool {
        let about_events = |test: &PacketTest| matches!(test, PacketTest::Event(_));
        !self.packet.is_empty() && self.packet.iter().all(about_events) && self.payload.is_empty()
    }
}
