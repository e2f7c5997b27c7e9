//! What was lost, by signature and cause.

use std::collections::HashMap;

use alert_schema::Batch;
use contract::AlertDrop;

/// Signatures that are told apart; the losses of more count as those of no known signature.
pub(crate) const SIGNATURES_MAX: usize = 4_096;

/// A signature's (gid, sid).
pub(crate) type SignatureId = (u32, u32);

/// Alerts of one signature lost by one cause.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Loss {
    /// Generator identifier; 0 with `sid` 0 where the signature is not known.
    pub gid: u32,
    /// Signature identifier.
    pub sid: u32,
    /// Why.
    pub cause: AlertDrop,
    /// How many.
    pub count: u64,
}

impl Loss {
    /// Name of what is lost whose signature is not known.
    pub const UNKNOWN: &'static str = "unknown";

    /// `gid:sid`, or [`Loss::UNKNOWN`].
    #[must_use]
    pub fn signature(&self) -> String {
        match (self.gid, self.sid) {
            (0, 0) => Self::UNKNOWN.to_owned(),
            (gid, sid) => format!("{gid}:{sid}"),
        }
    }
}

/// The signatures of the alerts of a message, as far as they can be read.
pub(crate) fn signatures_of(payload: &[u8]) -> Vec<SignatureId> {
    let batch = Batch::decode(payload).ok();
    let alerts = batch.iter().flat_map(Batch::alerts).flatten();
    alerts.map(|alert| (alert.signature.gid, alert.signature.sid)).collect()
}

type Counts = [u64; AlertDrop::COUNT];

/// The counts. Touched only when something is lost.
#[derive(Clone, Debug, Default)]
pub(crate) struct Losses {
    known: HashMap<SignatureId, Counts>,
    unknown: Counts,
}

impl Losses {
    /// Counts `alerts` alerts of `signature`, `None` where it is not known.
    pub(crate) fn count(&mut self, signature: Option<SignatureId>, cause: AlertDrop, alerts: u64) {
        let counts = match signature {
            Some(id) if self.known.len() < SIGNATURES_MAX || self.known.contains_key(&id) => {
                self.known.entry(id).or_default()
            }
            _ => &mut self.unknown,
        };
        counts[cause as usize] += alerts;
    }

    /// Counts `alerts` alerts, which are of `signatures`. What is short of them is of no known signature.
    pub(crate) fn count_batch(
        &mut self,
        signatures: &[SignatureId],
        cause: AlertDrop,
        mut alerts: u64,
    ) {
        for signature in signatures {
            let Some(left) = alerts.checked_sub(1) else { return };
            alerts = left;
            self.count(Some(*signature), cause, 1);
        }
        self.count(None, cause, alerts);
    }

    /// Everything that was lost, the most first.
    pub(crate) fn list(&self) -> Vec<Loss> {
        let unknown = std::iter::once((&(0, 0), &self.unknown));
        let mut list = Vec::new();
        for (&(gid, sid), counts) in self.known.iter().chain(unknown) {
            let lost = AlertDrop::ALL.iter().map(|cause| (*cause, counts[*cause as usize]));
            let lost = lost.filter(|(_, count)| *count > 0);
            list.extend(lost.map(|(cause, count)| Loss { gid, sid, cause, count }));
        }
        list.sort_by_key(|loss| {
            (std::cmp::Reverse(loss.count), loss.gid, loss.sid, loss.cause as u8)
        });
        list
    }
}
