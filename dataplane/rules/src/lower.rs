//! AST → HIR: keywords applied in order, then what only the whole rule can tell.

use std::sync::Arc;

use crate::ast::{self, Setting, Span, Word};
use crate::diagnostic::{Fault, Kind};
use crate::environment::{Environment, Resolver};
use crate::hir::{Class, PacketTest, PayloadTest, Protocol, Rule};
use crate::keyword::{self, Form, Keyword};

pub(crate) mod buffer;
pub(crate) mod bytes;
pub(crate) mod content;
pub(crate) mod event;
mod fields;
pub(crate) mod flow;
mod header;
pub(crate) mod headers;
pub(crate) mod inert;
pub(crate) mod ip_proto;
pub(crate) mod meta;
mod number;
pub(crate) mod packet;
pub(crate) mod pcre;
mod read_number;
pub(crate) mod sticky;
pub(crate) mod variables;

/// A keyword's value, freed of its quotes.
#[derive(Clone, Copy)]
pub(crate) struct Argument<'a> {
    /// The keyword as written.
    pub(crate) name: Word<'a>,
    /// The value; empty where there is none.
    pub(crate) value: Word<'a>,
    /// `!` stood before the value.
    pub(crate) negated: bool,
}

impl Argument<'_> {
    /// A fault that points at the value, or at the keyword where there is none.
    pub(crate) fn fault(&self, kind: Kind, message: impl Into<String>) -> Fault {
        let word = if self.value.text.is_empty() { self.name } else { self.value };
        Fault::new(kind, word.span(), message)
    }

    /// The value is wrong.
    pub(crate) fn invalid(&self, message: impl Into<String>) -> Fault {
        self.fault(Kind::Value, message)
    }

    /// The option contradicts another, or lacks one that it needs.
    pub(crate) fn conflict(&self, message: impl Into<String>) -> Fault {
        Fault::new(Kind::Conflict, self.name.span(), message)
    }
}

/// A rule on its way to HIR.
pub(crate) struct Lowering<'e> {
    pub(crate) environment: &'e Environment,
    pub(crate) meta: meta::Builder,
    pub(crate) packet: Vec<PacketTest>,
    /// The list that tests of bytes go to: of the payload, or of the sticky buffer before them.
    pub(crate) payload: Vec<PayloadTest>,
    pub(crate) flow: flow::Builder,
    /// Tests of what `base64_decode` gives, in rule order.
    pub(crate) decoded: Vec<PayloadTest>,
    /// Tests go to `decoded`, not to `payload`.
    pub(crate) in_base64: bool,
    /// The last test went to `decoded`.
    pub(crate) last_decoded: bool,
    /// The variables that `byte_extract` and `byte_math` set.
    pub(crate) variables: Vec<fields::Named>,
    /// The last keyword that is a test.
    pub(crate) previous: Option<&'static str>,
    /// `prefilter` was there.
    pub(crate) prefilter: bool,
    pub(crate) lists: sticky::Lists,
    pub(crate) protocols: ip_proto::Protocols,
    /// The content that modifiers belong to.
    pub(crate) current: Option<content::Current>,
    /// What is to be said although the rule is kept.
    pub(crate) warnings: Vec<Fault>,
}

/// What became of a rule.
pub(crate) struct Outcome {
    /// The rule, or every reason against it, the first as written first; never empty.
    pub(crate) rule: Result<Rule, Vec<Fault>>,
    /// What is to be said although the rule may be kept.
    pub(crate) warnings: Vec<Fault>,
}

/// Lowers `rule`, which was parsed from `text`.
pub(crate) fn lower(
    rule: &ast::Rule<'_>,
    text: &str,
    line: u32,
    environment: &Environment,
    resolver: &mut Resolver<'_>,
) -> Outcome {
    let mut faults = Vec::new();
    let header = header::lower(rule, resolver, &mut faults);
    let mut lowering = Lowering {
        environment,
        meta: meta::Builder::default(),
        packet: Vec::new(),
        payload: Vec::new(),
        flow: flow::Builder::default(),
        decoded: Vec::new(),
        in_base64: false,
        last_decoded: false,
        variables: Vec::new(),
        previous: None,
        prefilter: false,
        lists: sticky::Lists::default(),
        protocols: ip_proto::Protocols::new(header.as_ref().map(|header| header.protocol)),
        current: None,
        warnings: Vec::new(),
    };
    lowering.options(&rule.options, &mut faults);
    let rule = match header {
        Some(header) if faults.is_empty() => {
            lowering.finish(header, rule, text, line).map_err(|fault| vec![fault])
        }
        _ => Err(faults),
    };
    Outcome { rule, warnings: lowering.warnings }
}

impl Lowering<'_> {
    /// Applies the options in order. After one that is wrong, later ones may be wrong only because of it,
    /// so they are only looked up; every keyword that is not supported is reported, once each.
    fn options(&mut self, options: &[Setting<'_>], faults: &mut Vec<Fault>) {
        let mut sound = true;
        for option in options {
            let name = option.name;
            let fault = match keyword::find(name.text) {
                Some(known) if known.support.is_some() && !sound => continue,
                Some(known) => self.option(known, option),
                None => Err(unknown(name)),
            };
            let Err(fault) = fault else { continue };
            let lookup = matches!(fault.kind, Kind::Unsupported | Kind::UnknownKeyword);
            if lookup && faults.iter().any(|known| known.keyword == fault.keyword) {
                continue;
            }
            sound = false;
            faults.push(fault);
        }
    }

    fn option(&mut self, keyword: &'static Keyword, option: &Setting<'_>) -> Result<(), Fault> {
        let Some(support) = &keyword.support else {
            let message = format!("keyword `{}` is not supported yet", option.name.text);
            return Err(
                Fault::new(Kind::Unsupported, option.name.span(), message).keyword(keyword.name)
            );
        };
        let result = argument(option, support.form).and_then(|value| (support.apply)(self, value));
        if inert::is_test(keyword) {
            self.previous = Some(keyword.name);
        }
        result.map_err(|fault| fault.keyword(keyword.name))
    }

    fn finish(
        &mut self,
        header: header::Header,
        rule: &ast::Rule<'_>,
        text: &str,
        line: u32,
    ) -> Result<Rule, Fault> {
        let meta = std::mem::take(&mut self.meta).finish(self.environment).ok_or_else(|| {
            Fault::new(Kind::MissingSid, rule.action.span(), "the rule has no `sid`").hint(
                "add `sid:` with a number that is free; 1000000 to 1999999 are for local rules",
            )
        })?;
        let mut buffers = self.take_buffers()?;
        let class = self.class(header.protocol, header.negated_address, !buffers.is_empty());
        let class = class.map_err(|(message, hint)| {
            Fault::new(Kind::Conflict, rule.protocol.span(), message).hint(hint)
        })?;
        packet::check_dsize(&self.packet, &self.payload)
            .map_err(|message| Fault::new(Kind::Conflict, whole(text), message).keyword("dsize"))?;
        sticky::settle(&mut self.payload, &mut buffers);
        buffer::attach_decoded(self);
        let flow = std::mem::take(&mut self.flow);
        Ok(Rule {
            raises: flow.raises(header.action),
            flow: flow.tests,
            effects: flow.effects,
            action: header.action,
            protocol: header.protocol,
            source: header.source,
            destination: header.destination,
            bidirectional: header.bidirectional,
            meta,
            class,
            packet: std::mem::take(&mut self.packet),
            payload: std::mem::take(&mut self.payload),
            buffers,
            text: Arc::from(text),
            line,
        })
    }

    /// The rule's class; else what contradicts, and the mend.
    fn class(
        &self,
        protocol: Protocol,
        negated_address: bool,
        has_buffers: bool,
    ) -> Result<Class, (&'static str, &'static str)> {
        if self.is_about_events() && self.flow.suits_addresses() {
            return Ok(Class::Event);
        }
        let stream = match (protocol, self.flow.stream()) {
            (Protocol::TcpStream, Some(false)) => {
                return Err(("`tcp-stream` is not for `no_stream`", "use `tcp` or `tcp-pkt`"));
            }
            (Protocol::TcpPkt, Some(true)) => {
                return Err(("`tcp-pkt` is not for `only_stream`", "use `tcp` or `tcp-stream`"));
            }
            (Protocol::TcpPkt, _) => Some(false),
            (_, stream) => stream,
        };
        let tests_packet = self.packet.iter().any(headers::needs_packet);
        if has_buffers || tests_packet || self.flow.needs_packet() {
            return match (protocol, stream) {
                (Protocol::TcpStream, _) => Err((
                    "`tcp-stream` has no packets to test properties of",
                    "use `tcp` or `tcp-pkt`",
                )),
                (_, Some(true)) => Err((
                    "`flow:only_stream` has no packets to test properties of",
                    "leave out `only_stream`",
                )),
                _ => Ok(Class::Pkt),
            };
        }
        if self.payload.is_empty() {
            let about_addresses = self.packet.iter().all(headers::is_about_addresses);
            return Ok(match self.flow.stream() {
                Some(true) => Class::Stream,
                _ if !about_addresses || !self.flow.suits_addresses() => Class::Pkt,
                _ if negated_address => Class::PktHdr,
                _ => Class::IpOnly,
            });
        }
        Ok(match (stream, protocol) {
            (Some(true), _) => Class::Stream,
            (Some(false), _) => Class::Pkt,
            // As in the peer, `tcp-stream` looks at the packet where that is in no stream.
            (None, Protocol::TcpStream) => Class::PktOrStream,
            (None, Protocol::Tcp | Protocol::Ip | Protocol::Ipv4 | Protocol::Ipv6) => {
                if self.payload.iter().any(is_placed) {
                    Class::PktAndStream
                } else {
                    Class::PktOrStream
                }
            }
            _ => Class::Pkt,
        })
    }
}

/// A content that its writer expects at a place of the packet's payload.
fn is_placed(test: &PayloadTest) -> bool {
    matches!(test, PayloadTest::Content(content)
        if !content.is_relative() && (content.has_offset() || content.has_depth()))
}

fn whole(text: &str) -> Span {
    Span::new(0, text.len())
}

fn unknown(name: Word<'_>) -> Fault {
    let message = format!("unknown keyword `{}`", name.text);
    let fault =
        Fault::new(Kind::UnknownKeyword, name.span(), message).keyword(name.text.to_owned());
    match keyword::nearest(name.text) {
        Some(nearest) => fault.hint(format!("did you mean `{nearest}`?")),
        None => fault,
    }
}

/// Checks that the value is written as its keyword wants it, and takes off `!` and quotes.
fn argument<'a>(option: &Setting<'a>, form: Form) -> Result<Argument<'a>, Fault> {
    let none = Word { text: "", start: option.name.span().end };
    let mut argument = Argument { name: option.name, value: none, negated: false };
    let Some(value) = option.value else {
        return match form {
            Form::Bare | Form::Optional => Ok(argument),
            _ => Err(argument.invalid(format!("`{}` needs a value", option.name.text))),
        };
    };
    argument.value = value;
    if form == Form::Bare {
        return Err(argument.invalid(format!("`{}` takes no value", option.name.text)));
    }
    if matches!(form, Form::Negatable | Form::Loose)
        && let Some(rest) = value.text.strip_prefix('!')
    {
        argument.negated = true;
        argument.value = Word::trimmed(rest, value.start + 1);
    }
    let text = argument.value.text;
    match (form, text.strip_prefix('"')) {
        (Form::Plain | Form::Optional, Some(_)) => {
            return Err(argument.invalid(format!("`{}` takes no quotes", option.name.text)));
        }
        (Form::Plain | Form::Optional | Form::Loose, None) => return Ok(argument),
        (_, None) => return Err(argument.invalid("the value must be in double quotes")),
        (_, Some(rest)) => match rest.strip_suffix('"') {
            None => {
                return Err(argument
                    .invalid("the value does not end in a double quote")
                    .hint("a `;` inside of quotes is written `\\;`"));
            }
            Some("") => return Err(argument.invalid("the value is empty")),
            Some(inner) => argument.value = Word { text: inner, start: argument.value.start + 1 },
        },
    }
    Ok(argument)
}
