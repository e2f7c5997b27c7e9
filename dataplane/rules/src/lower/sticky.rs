//! Sticky buffers: which list the tests that follow them go to.

use super::{Argument, Lowering, content};
use crate::ast::Span;
use crate::diagnostic::{Fault, Kind};
use crate::hir::{Buffer, BufferName, PayloadTest};

/// The lists of tests that are not the active one; that is `Lowering::payload`, whatever it is of.
#[derive(Default)]
pub(crate) struct Lists {
    /// What the active list is of, and where the rule chose it; `None` for the payload.
    active: Option<(Buffer, Span)>,
    /// The payload's list while another is active.
    payload: Vec<PayloadTest>,
    /// The lists of buffers, in the order in which the rule began them.
    buffers: Vec<(Buffer, Vec<PayloadTest>)>,
    /// The last test went to a buffer.
    last_in_buffer: bool,
}

impl Lowering<'_> {
    /// Makes the payload's list the active one.
    pub(super) fn turn_to_payload(&mut self) -> Result<(), Fault> {
        self.leave_buffer()?;
        self.current = None;
        Ok(())
    }

    /// Makes the list of `buffer` the active one. A buffer that was active before goes on where it ended.
    fn turn_to(&mut self, buffer: Buffer, argument: &Argument<'_>) -> Result<(), Fault> {
        if self.in_base64 {
            return Err(argument
                .conflict("a sticky buffer cannot follow `base64_data`")
                .hint("write `pkt_data` before it"));
        }
        self.turn_to_payload()?;
        self.last_decoded = false;
        let known = self.lists.buffers.iter().position(|(known, _)| *known == buffer);
        let tests = known.map(|place| self.lists.buffers.swap_remove(place).1).unwrap_or_default();
        self.lists.payload = std::mem::replace(&mut self.payload, tests);
        self.lists.active = Some((buffer, argument.name.span()));
        Ok(())
    }

    /// Makes the payload's list the active one. A buffer that nothing looks at is a mistake.
    fn leave_buffer(&mut self) -> Result<(), Fault> {
        let Some((buffer, span)) = self.lists.active.take() else { return Ok(()) };
        let payload = std::mem::take(&mut self.lists.payload);
        let tests = std::mem::replace(&mut self.payload, payload);
        if tests.is_empty() {
            return Err(Fault::new(Kind::Conflict, span, "nothing is looked for in this buffer")
                .keyword(buffer.name.keyword())
                .hint("a `content` or `pcre` follows the buffer that it is looked for in"));
        }
        self.lists.buffers.push((buffer, tests));
        Ok(())
    }

    /// The lists of the buffers; after it, `Lowering::payload` is the payload's.
    pub(super) fn take_buffers(&mut self) -> Result<Vec<(Buffer, Vec<PayloadTest>)>, Fault> {
        self.leave_buffer()?;
        Ok(std::mem::take(&mut self.lists.buffers))
    }

    /// Whether the tests that follow look at a sticky buffer.
    pub(super) const fn in_buffer(&self) -> bool {
        self.lists.active.is_some()
    }

    /// The buffer that the tests that follow look at; `None` for the payload and what is decoded of it.
    pub(super) fn buffer_name(&self) -> Option<BufferName> {
        self.lists.active.as_ref().map(|(buffer, _)| buffer.name)
    }

    /// Notes where `test` goes. In Suricata one that counts from the match before it goes where that is,
    /// whatever `pkt_data` says; that is not so here.
    pub(super) fn note(
        &mut self,
        test: &PayloadTest,
        argument: &Argument<'_>,
    ) -> Result<(), Fault> {
        let in_buffer = self.in_buffer();
        let before = std::mem::replace(&mut self.lists.last_in_buffer, in_buffer);
        if before && !in_buffer && test.is_relative() && !test.is_search() {
            let message =
                "a test relative to a match in a sticky buffer is not supported behind it";
            return Err(argument.fault(Kind::Unsupported, message));
        }
        Ok(())
    }
}

/// [`content::settle_behind_negated`] in each list, and [`content::settle_lone_negated`] where all contents of
/// the rule are in one.
pub(super) fn settle(payload: &mut [PayloadTest], buffers: &mut [(Buffer, Vec<PayloadTest>)]) {
    let has_content =
        |tests: &[PayloadTest]| tests.iter().any(|test| matches!(test, PayloadTest::Content(_)));
    let lists = buffers.iter_mut().map(|(_, tests)| tests.as_mut_slice());
    let mut lists = std::iter::once(&mut *payload).chain(lists).filter(|tests| has_content(tests));
    if let (Some(only), None) = (lists.next(), lists.next()) {
        content::settle_lone_negated(only);
    }
    let lists = buffers.iter_mut().map(|(_, tests)| tests.as_mut_slice());
    std::iter::once(payload).chain(lists).for_each(content::settle_behind_negated);
}

/// A header buffer.
fn header(
    lowering: &mut Lowering<'_>,
    argument: &Argument<'_>,
    name: BufferName,
) -> Result<(), Fault> {
    if let Some(number) = name.protocol().filter(|number| !lowering.protocols.cover(*number)) {
        let keyword = name.keyword();
        return Err(argument
            .conflict(format!("`{keyword}` is a header of packets that this rule is not about"))
            .hint(format!("the rule has to be about IP protocol {number}")));
    }
    lowering.turn_to(Buffer { name }, argument)
}

pub(crate) fn ipv4_hdr(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    header(lowering, &argument, BufferName::Ipv4Header)
}

pub(crate) fn ipv6_hdr(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    header(lowering, &argument, BufferName::Ipv6Header)
}

pub(crate) fn tcp_hdr(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    header(lowering, &argument, BufferName::TcpHeader)
}

pub(crate) fn udp_hdr(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    header(lowering, &argument, BufferName::UdpHeader)
}

pub(crate) fn icmpv4_hdr(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    header(lowering, &argument, BufferName::Icmpv4Header)
}

pub(crate) fn icmpv6_hdr(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    header(lowering, &argument, BufferName::Icmpv6Header)
}

pub(crate) fn pkt_data(lowering: &mut Lowering<'_>, _: Argument<'_>) -> Result<(), Fault> {
    lowering.in_base64 = false;
    lowering.turn_to_payload()
}
