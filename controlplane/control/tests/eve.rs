//! The EVE output as the alerts' destination, beside NATS, and without a thread for replay.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use common::{SimWorker, eventually_shows, load, nats_config};
use contract::AlertDrop;
use control::stats::alert_ledger;
use control::{
    Alert, AlertSink, AlertView, Claim, Control, Drain, Enricher, EveOptions, EveWriter,
    GenerationText, Outcome, Registry, RegistryReader, Tally, Ticket,
};
use testkit::NatsServer;

const SHUTDOWN: Duration = Duration::from_secs(10);

#[tokio::test(flavor = "multi_thread")]
async fn without_nats_the_file_is_the_destination() {
    let dir = tempfile::tempdir().unwrap();
    let (mut workers, mut parts) = common::parts(2);
    parts.eve.path = Some(dir.path().join("eve.json"));
    let control = Control::start(parts).await.unwrap();
    for worker in &mut workers {
        worker.raise_many(500);
    }
    let (_, ledger) = control.shutdown(SHUTDOWN).await;
    assert_eq!((ledger.imbalance(), ledger.in_flight, ledger.written), (0, 0, 1_000), "{ledger:?}");
    let text = std::fs::read_to_string(dir.path().join("eve.json")).unwrap();
    let lines = text.lines().map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap());
    let sids: BTreeSet<_> = lines.map(|line| line["alert"]["signature_id"].as_u64()).collect();
    assert_eq!(sids, BTreeSet::from([Some(1), Some(2), Some(3)]));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_file_that_cannot_be_written_is_not_the_loss_of_nats() {
    let Some(server) = NatsServer::started() else { return };
    let (mut workers, mut parts) = common::parts(1);
    parts.nats = nats_config(server.url());
    parts.eve.path = Some("/dev/full".into());
    let control = Control::start(parts).await.unwrap();
    workers[0].raise_many(100);
    eventually_shows(&control, "all are acknowledged", |s| s.ledgers.alerts.acknowledged == 100);
    eventually_shows(&control, "the output has failed", |s| {
        s.eve.as_ref().is_some_and(|eve| eve.failed == 100 && eve.failing)
    });
    let (_, ledger) = control.shutdown(SHUTDOWN).await;
    assert_eq!((ledger.imbalance(), ledger.in_flight), (0, 0), "{ledger:?}");
    assert_eq!(ledger.drops[AlertDrop::SinkFailed as usize], 0);
}

/// What replay does: keeps the alerts, to write them in the order of their packets.
#[derive(Default)]
struct Sorting(Vec<(Alert, Ticket)>);

impl AlertSink for Sorting {
    fn alert(&mut self, alert: &AlertView<'_>, claim: Claim<'_>) {
        self.0.push((alert.to_alert(), claim.ticket()));
    }
}

#[test]
fn replay_drains_and_writes_without_a_thread() {
    let registry = Arc::new(Registry::default());
    let loaded = load(common::RULES);
    let rules = loaded.rules.signatures().iter().map(AsRef::as_ref);
    registry.insert(GenerationText::new(1, rules));
    let tally = Tally::new();
    let enricher = Enricher::new(RegistryReader::new(registry), &[]);
    let mut drain = Drain::new(enricher, Arc::clone(&tally), Sorting::default());
    let (mut worker, link) = SimWorker::new(0);
    let progress = drain.attach(link.counters, link.lanes);
    worker.raise_many(30);
    while drain.poll() {}
    let mut writer =
        EveWriter::new(Vec::new(), EveOptions { packet_number: true, ..EveOptions::default() });
    let mut alerts = std::mem::take(&mut drain.sink_mut().0);
    alerts.sort_by_key(|(alert, _)| alert.header.packet);
    let mut waiting = Vec::new();
    for (alert, ticket) in alerts {
        writer.write(&alert).unwrap();
        waiting.push(ticket);
    }
    assert_eq!(writer.flush().unwrap(), 30);
    waiting.into_iter().for_each(|ticket| ticket.end(Outcome::Written));
    let ledger = alert_ledger(std::iter::once((&*worker.counters, &*progress)), &tally);
    assert_eq!((ledger.imbalance(), ledger.written, ledger.in_flight), (0, 30, 0));
}
