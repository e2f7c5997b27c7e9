//! Keywords by which a rule speaks of itself.

use super::{Argument, Lowering};
use crate::diagnostic::{Fault, Kind};
use crate::environment::Environment;
use crate::hir::Meta;

/// Priority of a rule that neither says one nor has a classification.
const PRIORITY_DEFAULT: u8 = 3;

/// [`Meta`] on its way.
#[derive(Default)]
pub(crate) struct Builder {
    meta: Meta,
    sid: Option<u32>,
    gid: Option<u32>,
    rev: Option<u32>,
    msg: Option<String>,
    priority: Option<u8>,
    /// The classification so far: short name and priority.
    class: Option<(String, u8)>,
    target: Option<String>,
}

impl Builder {
    /// Fills in the defaults; `None` without a sid.
    pub(super) fn finish(self, environment: &Environment) -> Option<Meta> {
        let class = self.class.as_ref().map(|(name, _)| name.as_str());
        let known = class.and_then(|name| environment.classifications.get(name));
        let default = known.map_or(PRIORITY_DEFAULT, |known| known.priority);
        Some(Meta {
            sid: self.sid?,
            gid: self.gid.unwrap_or(1),
            rev: self.rev.unwrap_or(0),
            msg: self.msg.unwrap_or_default(),
            category: known.map(|known| known.description.clone()).unwrap_or_default(),
            priority: self.priority.unwrap_or(default),
            classtype: self.class.map(|(name, _)| name),
            ..self.meta
        })
    }
}

/// Sets `slot` once.
fn once<T>(slot: &mut Option<T>, value: T, argument: &Argument<'_>) -> Result<(), Fault> {
    if slot.replace(value).is_some() {
        return Err(argument.conflict(format!("`{}` is there twice", argument.name.text)));
    }
    Ok(())
}

/// A decimal number from `least` to 4294967294, the largest that Suricata takes.
fn number(argument: &Argument<'_>, least: u32) -> Result<u32, Fault> {
    argument
        .value
        .text
        .parse()
        .ok()
        .filter(|number| (least..u32::MAX).contains(number))
        .ok_or_else(|| argument.invalid(format!("not a number from {least} to {}", u32::MAX - 1)))
}

/// Reads the value of a `sid`, where only that is wanted.
pub(crate) fn parse_sid(text: &str) -> Option<u32> {
    text.parse().ok().filter(|sid| (1..u32::MAX).contains(sid))
}

pub(crate) fn sid(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let sid = number(&argument, 1)?;
    once(&mut lowering.meta.sid, sid, &argument)
}

pub(crate) fn rev(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let rev = number(&argument, 1)?;
    once(&mut lowering.meta.rev, rev, &argument)
}

pub(crate) fn gid(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    lowering.meta.gid = Some(number(&argument, 0)?);
    Ok(())
}

pub(crate) fn msg(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let mut text = String::with_capacity(argument.value.text.len());
    let mut chars = argument.value.text.chars();
    while let Some(c) = chars.next() {
        text.extend(if c == '\\' { chars.next() } else { Some(c) });
    }
    once(&mut lowering.meta.msg, text, &argument)
}

pub(crate) fn priority(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let text = argument.value.text;
    let priority = text.parse().ok().filter(|&number: &u8| number > 0 && !text.starts_with('+'));
    let priority = priority.ok_or_else(|| argument.invalid("not a number from 1 to 255"))?;
    let slot = &mut lowering.meta.priority;
    if let Some(other) = slot.replace(priority) {
        *slot = Some(priority.min(other));
        lowering.warnings.push(argument.conflict("`priority` is there twice; the highest counts"));
    }
    Ok(())
}

pub(crate) fn classtype(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let text = argument.value.text;
    let letters = text.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    if !letters || !text.starts_with(|c: char| c.is_ascii_alphabetic()) {
        return Err(argument.invalid("a classtype is letters, digits, `-` and `_`"));
    }
    let name = text.to_ascii_lowercase();
    let known = lowering.environment.classifications.get(&name);
    if known.is_none() {
        let message = format!("unknown classtype `{text}`");
        lowering.warnings.push(
            argument
                .fault(Kind::UnknownClasstype, message)
                .hint(format!("the rule has priority {PRIORITY_DEFAULT} unless it says its own")),
        );
    }
    let new = (name, known.map_or(PRIORITY_DEFAULT, |known| known.priority));
    let slot = &mut lowering.meta.class;
    if let Some(other) = slot.take() {
        *slot = Some(if new.1 < other.1 { new } else { other });
        lowering.warnings.push(argument.conflict("`classtype` is there twice; the highest counts"));
    } else {
        *slot = Some(new);
    }
    Ok(())
}

pub(crate) fn reference(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let fields = argument.value.text.split_once(',').map(|(a, b)| (a.trim(), b.trim()));
    let Some((scheme, value)) = fields.filter(|(a, b)| !a.is_empty() && !b.is_empty()) else {
        return Err(argument.invalid("not `scheme,value`"));
    };
    let scheme = scheme.to_ascii_lowercase();
    if !lowering.environment.references.contains_key(&scheme) {
        let message = format!("unknown reference scheme `{scheme}`");
        lowering.warnings.push(argument.fault(Kind::UnknownReference, message));
    }
    lowering.meta.meta.references.push((scheme, value.to_owned()));
    Ok(())
}

pub(crate) fn metadata(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    for entry in argument.value.text.split(',').map(str::trim).filter(|entry| !entry.is_empty()) {
        let (key, value) = entry.split_once(char::is_whitespace).unwrap_or((entry, ""));
        lowering.meta.meta.metadata.push((key.to_owned(), value.trim().to_owned()));
    }
    Ok(())
}

pub(crate) fn target(lowering: &mut Lowering<'_>, argument: Argument<'_>) -> Result<(), Fault> {
    let side = argument.value.text;
    if !matches!(side, "src_ip" | "dest_ip") {
        return Err(argument.invalid("not `src_ip` or `dest_ip`"));
    }
    match lowering.meta.target.replace(side.to_owned()) {
        Some(other) if other != side => Err(argument.conflict("`target` cannot be both sides")),
        Some(_) => Ok(()),
        None => {
            lowering.meta.meta.metadata.push(("target".to_owned(), side.to_owned()));
            Ok(())
        }
    }
}
