//! Activation: compile, publish, confirm, free.

use std::sync::{Arc, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use detect::{CompileCache, CompileError, Generation, RuleSet};
use rules::Environment;
use tokio::sync::Mutex;
use tokio::time::Instant;

use super::compile::LoadedRules;
use super::info::{GenerationInfo, RuleDiagnostic};
use super::losses::LossBook;
use super::mailbox::Mailboxes;
use crate::config::RuleStoreConfig;
use crate::registry::{GenerationText, Registry};
use crate::tally::Loss;
use crate::time::wall_ns_now;

/// Pause between two looks at the workers' confirmations. They confirm by a plain store, between two
/// bursts, and can wake nobody.
const CONFIRM_POLL: Duration = Duration::from_millis(1);

/// What is done with a text of which a rule is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Policy {
    /// Nothing changes.
    Strict,
    /// The rules that load become active, the others are told.
    Partial,
}

/// A text was activated.
#[derive(Clone, Debug)]
pub struct Activation {
    /// The new generation.
    pub generation: GenerationInfo,
    /// What was said about its text.
    pub diagnostics: Vec<RuleDiagnostic>,
    /// Workers that use it.
    pub confirmed: usize,
    /// Workers that have not confirmed it in time. The old generation is kept for them, and they switch
    /// when they can.
    pub unconfirmed: Vec<u16>,
}

/// Nothing was changed, and why.
#[derive(Debug, thiserror::Error)]
pub enum ActivateError {
    /// A rule is refused, and all were wanted.
    #[error("{} of {} rules are refused", .0.counts.refused, .0.counts.read)]
    Refused(Box<LoadedRules>),
    /// No rule is in the text, or none loads.
    #[error("the text has no rule that can be loaded")]
    Empty(Box<LoadedRules>),
    /// The set as a whole is over a limit.
    #[error(transparent)]
    Limit(#[from] CompileError),
    /// Workers have not taken the generations before, so that there is no room for one more.
    #[error("workers {0:?} have not taken the generations before this one")]
    Stuck(Vec<u16>),
    /// The compiler's thread has failed, or the process is ending.
    #[error("the rules could not be compiled: {0}")]
    Failed(String),
}

struct Active {
    info: GenerationInfo,
    loaded: LoadedRules,
}

/// The rule sets of this boot.
pub struct RuleStore {
    config: RuleStoreConfig,
    environment: Arc<Environment>,
    mailboxes: Mailboxes,
    registry: Arc<Registry>,
    active: RwLock<Arc<Active>>,
    /// Held for moments, never across a wait.
    losses: std::sync::Mutex<LossBook>,
    /// One activation at a time, and the cache that each leaves to the next.
    turn: Arc<Mutex<CompileCache>>,
}

impl RuleStore {
    /// A store whose generation `number` is `initial`, which the workers have already.
    pub(crate) fn new(
        config: RuleStoreConfig,
        environment: Environment,
        mailboxes: Mailboxes,
        registry: Arc<Registry>,
        initial: LoadedRules,
        (number, source): (u32, &str),
    ) -> Self {
        let info = GenerationInfo::new(number, source, wall_ns_now(), &initial);
        registry.insert(text_of(number, &initial.rules));
        let mut losses = LossBook::default();
        losses.open(number, &initial.rules, mailboxes.first_losses());
        Self {
            config,
            environment: Arc::new(environment),
            mailboxes,
            registry,
            turn: Arc::new(Mutex::new(CompileCache::after(&initial.rules))),
            active: RwLock::new(Arc::new(Active { info, loaded: initial })),
            losses: std::sync::Mutex::new(losses),
        }
    }

    fn active(&self) -> Arc<Active> {
        Arc::clone(&self.active.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The active generation.
    #[must_use]
    pub fn info(&self) -> GenerationInfo {
        self.active().info.clone()
    }

    /// The rules of the active generation as written, one a line.
    #[must_use]
    pub fn text(&self) -> String {
        self.active().loaded.text()
    }

    /// What was said about the active generation's text.
    #[must_use]
    pub fn diagnostics(&self) -> Vec<RuleDiagnostic> {
        self.active().loaded.diagnostics.clone()
    }

    /// Numbers of the generations that are live: the active one, and those that a worker or the drain
    /// may still need.
    #[must_use]
    pub fn live(&self) -> Vec<u32> {
        self.registry.numbers()
    }

    /// Workers that have not confirmed the active generation.
    #[must_use]
    pub fn unconfirmed(&self) -> Vec<u16> {
        self.mailboxes.unconfirmed(self.active().info.number)
    }

    /// Alerts that workers lost before the drain, over all workers and every generation of this boot, by
    /// signature and cause; the most first.
    #[must_use]
    pub fn losses(&self) -> Vec<Loss> {
        self.loss_book().list()
    }

    fn loss_book(&self) -> MutexGuard<'_, LossBook> {
        self.losses.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of a text that is accepted.
    #[must_use]
    pub const fn text_bytes_max(&self) -> usize {
        self.config.text_bytes_max
    }

    /// Makes `text` the active generation. Activations wait for each other.
    ///
    /// # Errors
    /// [`ActivateError`]; nothing is changed then.
    #[tracing::instrument(name = "activate rules", skip_all, fields(source))]
    pub async fn activate(
        &self,
        text: impl AsRef<[u8]> + Send + 'static,
        source: &str,
        policy: Policy,
    ) -> Result<Activation, ActivateError> {
        let cache = Arc::clone(&self.turn).lock_owned().await;
        self.check_room()?;
        let environment = Arc::clone(&self.environment);
        let file = source.to_owned();
        let span = tracing::info_span!("compile rules");
        // The turn goes along, so that it is held until the compiler is done, whatever the caller does.
        let (compiled, _turn) = blocking(move || {
            let _entered = span.entered();
            let mut cache = cache;
            let compiled = LoadedRules::compile(text.as_ref(), &file, &environment, &mut cache);
            (compiled, cache)
        })
        .await?;
        let loaded = compiled?;
        if policy == Policy::Strict && loaded.diagnostics.iter().any(RuleDiagnostic::is_error) {
            return Err(ActivateError::Refused(Box::new(loaded)));
        }
        if loaded.rules.signatures().is_empty() {
            return Err(ActivateError::Empty(Box::new(loaded)));
        }
        let info = self.publish(&loaded, source).await?;
        let unconfirmed = self.confirm(info.number).await;
        let confirmed = self.mailboxes.len() - unconfirmed.len();
        tracing::info!(
            generation = info.number,
            rules = info.counts.loaded,
            refused = info.counts.refused,
            confirmed,
            ?unconfirmed,
            "rules activated"
        );
        Ok(Activation { generation: info, diagnostics: loaded.diagnostics, confirmed, unconfirmed })
    }

    fn check_room(&self) -> Result<(), ActivateError> {
        let full = self.mailboxes.full();
        if full.is_empty() { Ok(()) } else { Err(ActivateError::Stuck(full)) }
    }

    /// Numbers a rule set and gives it to every worker.
    #[tracing::instrument(name = "publish rules", skip_all)]
    async fn publish(
        &self,
        loaded: &LoadedRules,
        source: &str,
    ) -> Result<GenerationInfo, ActivateError> {
        let number = self.active().info.number + 1;
        let info = GenerationInfo::new(number, source, wall_ns_now(), loaded);
        let (rules, workers) = (Arc::clone(&loaded.rules), self.mailboxes.len());
        let (text, generations) = blocking(move || {
            let generations: Vec<_> =
                (0..workers).map(|_| Generation::new(number, Arc::clone(&rules))).collect();
            (text_of(number, &rules), generations)
        })
        .await?;
        // Before a worker can raise an alert by it.
        self.registry.insert(text);
        let losses = generations.iter().map(|generation| Arc::clone(&generation.losses)).collect();
        self.loss_book().open(number, &loaded.rules, losses);
        let active = Arc::new(Active { info: info.clone(), loaded: loaded.clone() });
        *self.active.write().unwrap_or_else(PoisonError::into_inner) = active;
        self.mailboxes.publish(generations);
        Ok(info)
    }

    /// Waits until every worker has confirmed `number`; those that have not in time.
    #[tracing::instrument(name = "confirm rules", skip(self))]
    async fn confirm(&self, number: u32) -> Vec<u16> {
        let deadline = Instant::now() + Duration::from_millis(self.config.confirm_timeout_ms);
        loop {
            let unconfirmed = self.mailboxes.unconfirmed(number);
            if unconfirmed.is_empty() || Instant::now() >= deadline {
                return unconfirmed;
            }
            tokio::time::sleep(CONFIRM_POLL).await;
        }
    }

    /// Frees what nothing needs any more: what workers have left behind, and the text of generations
    /// that every worker and the drain are past. Called from time to time.
    pub(crate) fn reap(&self) {
        let retired = self.mailboxes.retired();
        if !retired.is_empty() {
            // The last box of a generation frees its matchers, which takes long.
            tokio::task::spawn_blocking(move || drop(retired));
        }
        let live = self.registry.numbers();
        let passed = live.iter().rev().copied().find(|number| self.mailboxes.has_passed(*number));
        if let Some(passed) = passed.filter(|passed| live.iter().any(|number| number < passed)) {
            self.registry.remove_before(passed);
            self.loss_book().close_before(passed);
            tracing::debug!(generation = passed, "older generations are freed");
        }
    }
}

fn text_of(number: u32, rules: &RuleSet) -> GenerationText {
    GenerationText::new(number, rules.signatures().iter().map(AsRef::as_ref))
}

async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, ActivateError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| ActivateError::Failed(error.to_string()))
}
