//! The text of the signatures of every live generation, prepared once for its alerts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};

use alert_schema::{Action, SignatureFields};
use rules::hir;
use serde::Serialize;

/// A signature as its alerts say it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignatureText {
    /// Generator identifier.
    pub gid: u32,
    /// Signature identifier.
    pub sid: u32,
    /// Revision.
    pub rev: u32,
    /// Message.
    pub msg: String,
    /// Description of the classification; empty where there is none.
    pub category: String,
    /// Priority, 1 (highest) to 255.
    pub severity: u8,
    /// What the rule asks for.
    pub action: Action,
    /// The value of EVE's `alert`, rendered.
    pub eve: String,
}

impl SignatureText {
    /// The text of `rule`.
    #[must_use]
    pub fn of(rule: &hir::Rule) -> Self {
        let meta = &rule.meta;
        Self {
            gid: meta.gid,
            sid: meta.sid,
            rev: meta.rev,
            msg: meta.msg.clone(),
            category: meta.category.clone(),
            severity: meta.priority,
            action: match rule.action {
                hir::Action::Alert => Action::Alert,
                hir::Action::Pass => Action::Pass,
                hir::Action::Drop => Action::Drop,
                hir::Action::Reject => Action::Reject,
            },
            eve: eve(meta),
        }
    }

    /// The same for the alert message.
    #[must_use]
    pub fn fields(&self) -> SignatureFields<'_> {
        SignatureFields {
            gid: self.gid,
            sid: self.sid,
            rev: self.rev,
            msg: &self.msg,
            category: &self.category,
            severity: self.severity,
            action: self.action,
        }
    }
}

/// EVE's `alert`, in the order in which Suricata writes it.
#[derive(Serialize)]
struct EveAlert<'a> {
    /// A passive sensor lets everything pass.
    action: &'static str,
    gid: u32,
    signature_id: u32,
    rev: u32,
    signature: &'a str,
    category: &'a str,
    severity: u8,
    #[serde(skip_serializing_if = "serde_json::Map::is_empty")]
    metadata: serde_json::Map<String, serde_json::Value>,
}

fn eve(meta: &hir::Meta) -> String {
    let mut metadata = serde_json::Map::new();
    for (key, value) in &meta.metadata {
        let values = metadata.entry(key).or_insert_with(|| serde_json::Value::Array(Vec::new()));
        if let serde_json::Value::Array(values) = values {
            values.push(value.as_str().into());
        }
    }
    let alert = EveAlert {
        action: "allowed",
        gid: meta.gid,
        signature_id: meta.sid,
        rev: meta.rev,
        signature: &meta.msg,
        category: &meta.category,
        severity: meta.priority,
        metadata,
    };
    // Strings and numbers always serialise.
    serde_json::to_string(&alert).unwrap_or_default()
}

/// The signatures of one generation.
#[derive(Debug)]
pub struct GenerationText {
    number: u32,
    signatures: Box<[Arc<SignatureText>]>,
}

impl GenerationText {
    /// The text of generation `number`, whose signatures are `rules` in the order of their index.
    pub fn new<'a>(number: u32, rules: impl IntoIterator<Item = &'a hir::Rule>) -> Self {
        let signatures = rules.into_iter().map(|rule| Arc::new(SignatureText::of(rule)));
        Self { number, signatures: signatures.collect() }
    }

    /// The generation's number.
    #[must_use]
    pub const fn number(&self) -> u32 {
        self.number
    }

    /// The signature with index `index`.
    #[must_use]
    pub fn signature(&self, index: u32) -> Option<&Arc<SignatureText>> {
        self.signatures.get(index as usize)
    }
}

/// The live generations. The rule store adds and removes them, the drain looks them up.
#[derive(Debug, Default)]
pub struct Registry {
    generations: RwLock<Vec<Arc<GenerationText>>>,
    version: AtomicU64,
}

impl Registry {
    /// Adds a generation; before a worker can have it.
    pub fn insert(&self, generation: GenerationText) {
        let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        generations.push(Arc::new(generation));
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Removes the generations before `number`; after the drain has passed every switch to it.
    pub fn remove_before(&self, number: u32) {
        let mut generations = self.generations.write().unwrap_or_else(PoisonError::into_inner);
        generations.retain(|generation| generation.number >= number);
        self.version.fetch_add(1, Ordering::Release);
    }

    /// Numbers of the live generations, in the order in which they came.
    #[must_use]
    pub fn numbers(&self) -> Vec<u32> {
        let generations = self.generations.read().unwrap_or_else(PoisonError::into_inner);
        generations.iter().map(|generation| generation.number).collect()
    }
}

/// A reader's copy of the registry, so that an alert costs no lock.
#[derive(Debug)]
pub struct RegistryReader {
    registry: Arc<Registry>,
    version: u64,
    generations: Vec<Arc<GenerationText>>,
}

impl RegistryReader {
    /// A reader of `registry`.
    #[must_use]
    pub fn new(registry: Arc<Registry>) -> Self {
        // No registry has this version, so that the first look-up copies it.
        Self { registry, version: u64::MAX, generations: Vec::new() }
    }

    /// Takes over what has been added or removed; also what keeps removed generations from being freed.
    pub fn refresh(&mut self) {
        let version = self.registry.version.load(Ordering::Acquire);
        if version != self.version {
            let generations =
                self.registry.generations.read().unwrap_or_else(PoisonError::into_inner);
            self.generations.clone_from(&generations);
            self.version = version;
        }
    }

    /// Signature `index` of generation `number`; `None` if there is none.
    pub fn signature(&mut self, number: u32, index: u32) -> Option<&Arc<SignatureText>> {
        self.refresh();
        let generation = self.generations.iter().rev().find(|live| live.number == number)?;
        generation.signature(index)
    }
}

#[cfg(test)]
mod tests;
