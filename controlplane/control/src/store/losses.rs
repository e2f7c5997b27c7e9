//! What the workers lost on the way out, by signature: over workers, and over generations that come and
//! go.

use std::sync::Arc;

use detect::{RuleSet, SignatureLosses};

use crate::tally::{Loss, Losses, SignatureId};

/// The losses of one generation.
#[derive(Debug)]
struct Live {
    number: u32,
    ids: Box<[SignatureId]>,
    workers: Vec<Arc<SignatureLosses>>,
}

impl Live {
    fn add_to(&self, losses: &mut Losses) {
        for (signature, cause, count) in self.workers.iter().flat_map(|worker| worker.lost()) {
            losses.count(self.ids.get(signature as usize).copied(), cause, count);
        }
    }
}

/// The losses of every generation of this boot.
#[derive(Debug, Default)]
pub(super) struct LossBook {
    live: Vec<Live>,
    /// What generations that are freed had lost.
    freed: Losses,
}

impl LossBook {
    /// Adds generation `number` of `rules`, of which each worker counts its losses.
    pub(super) fn open(
        &mut self,
        number: u32,
        rules: &RuleSet,
        workers: Vec<Arc<SignatureLosses>>,
    ) {
        let ids = rules.signatures().iter().map(|rule| (rule.meta.gid, rule.meta.sid)).collect();
        self.live.push(Live { number, ids, workers });
    }

    /// Folds the generations before `number` into what is kept of them; no worker uses them any more.
    pub(super) fn close_before(&mut self, number: u32) {
        let freed = &mut self.freed;
        self.live.retain(|live| {
            let stays = live.number >= number;
            if !stays {
                live.add_to(freed);
            }
            stays
        });
    }

    /// Everything that was lost, the most first.
    pub(super) fn list(&self) -> Vec<Loss> {
        let mut losses = self.freed.clone();
        for live in &self.live {
            live.add_to(&mut losses);
        }
        losses.list()
    }
}

#[cfg(test)]
mod tests {
    use contract::AlertDrop::{self, RingFull, Shed};
    use detect::{CompileCache, CompileOptions};

    use super::*;
    use crate::tally::SIGNATURES_MAX;

    fn rules(sids: std::ops::Range<u32>) -> RuleSet {
        let rules = sids.map(|sid| crate::testing::rule(sid, 3)).collect();
        RuleSet::compile(rules, &CompileOptions::default(), &mut CompileCache::new()).unwrap()
    }

    fn losses(rules: &RuleSet) -> Arc<SignatureLosses> {
        Arc::new(SignatureLosses::new(rules.signatures().len()))
    }

    fn told(book: &LossBook) -> Vec<(u32, AlertDrop, u64)> {
        book.list().iter().map(|loss| (loss.sid, loss.cause, loss.count)).collect()
    }

    #[test]
    fn losses_add_up_over_workers_and_generations() {
        let (old, new) = (rules(10..13), rules(12..14));
        let (a, b, c) = (losses(&old), losses(&old), losses(&new));
        let mut book = LossBook::default();
        book.open(1, &old, vec![Arc::clone(&a), Arc::clone(&b)]);
        a.count(0, RingFull);
        a.count(2, Shed);
        b.count(2, Shed);
        book.open(2, &new, vec![Arc::clone(&c)]);
        // The same signature has another index in the new generation.
        c.count(0, Shed);
        c.count(0, RingFull);
        let expected = [(12, Shed, 3), (10, RingFull, 1), (12, RingFull, 1)];
        assert_eq!(told(&book), expected);
        book.close_before(2);
        assert_eq!(told(&book), expected);
        c.count(1, Shed);
        book.close_before(2);
        assert_eq!(told(&book), [&expected[..], &[(13, Shed, 1)]].concat());
    }

    #[test]
    fn more_signatures_than_are_told_apart_lose_no_count() {
        let many = SIGNATURES_MAX as u32 + 500;
        let rules = rules(1..many + 1);
        let lost = losses(&rules);
        (0..many).for_each(|signature| lost.count(signature, Shed));
        let mut book = LossBook::default();
        book.open(1, &rules, vec![lost]);
        for _ in 0..2 {
            let list = book.list();
            assert_eq!(list.len(), SIGNATURES_MAX + 1);
            assert_eq!(list[0], Loss { gid: 0, sid: 0, cause: Shed, count: 500 });
            assert_eq!(list.iter().map(|loss| loss.count).sum::<u64>(), u64::from(many));
            book.close_before(2);
        }
    }
}
