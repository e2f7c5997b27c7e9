//! Servers that go away, come back, or do not answer.

use super::*;
use crate::config::Delivery;
use crate::nats::REPLAY_HEADER;
use crate::tally::Outcome;

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_that_comes_twice_is_stored_once() {
    let Some(server) = NatsServer::started() else { return };
    let bench = Bench::ready(&config(&server)).await;
    bench.clock.increment(5_000_u64);
    bench.push(bench.batch(1));
    bench.eventually("it is acknowledged", || bench.tally.acknowledged() == 3);
    bench.push(Outgoing { replay: true, received_ns: Box::default(), ..bench.batch(1) });
    bench.push(Outgoing { replay: true, ..bench.batch(2) });
    bench.eventually("all are acknowledged", || bench.tally.acknowledged() == 9);

    let context = administrator(&server).await;
    assert_eq!(stored(&context).await, 2);
    let stream = context.get_stream("SENSOR_ALERTS").await.unwrap();
    let first = stream.get_raw_message(1).await.unwrap();
    assert_eq!(first.headers.get("Nats-Msg-Id").unwrap().as_str(), "s1.b00t.0.1");
    assert!(first.headers.get(REPLAY_HEADER).is_none());
    let second = stream.get_raw_message(2).await.unwrap();
    assert_eq!(second.headers.get(REPLAY_HEADER).unwrap().as_str(), "1");
    let counters = &bench.status.lanes[0].counters;
    assert_eq!((counters.messages.get(), counters.alerts.get()), (3, 9));
    assert_eq!((counters.acknowledged.get(), counters.duplicates.get()), (3, 1));
    let mut latency = contract::LatencySnapshot::default();
    counters.end_to_end_ns.add_to(&mut latency);
    assert_eq!((latency.count(), latency.max), (6, 4_000), "5,000 ns less 1,000, 2,000, 3,000");
    let mut written = contract::LatencySnapshot::default();
    counters.publish_enqueue_ns.add_to(&mut written);
    assert_eq!(written.count(), 3);
    bench.end(9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_lost_connection_owes_is_given_up_at_once() {
    let Some(mut server) = NatsServer::started() else { return };
    let bench = Bench::ready(&NatsConfig { ack_timeout_ms: LONG_MS, ..config(&server) }).await;
    let told = Told::new();
    server.freeze();
    for number in 0..4 {
        bench.push(told.batch(number));
    }
    bench.push(bench.batch(4));
    let in_flight = || bench.status.lanes[0].counters.in_flight();
    bench.eventually("all are on their way", || in_flight() == 5);
    let killed = std::time::Instant::now();
    server.kill();
    let mut records: Vec<u64> = (0..4).map(|_| told.undelivered()).collect();
    records.sort_unstable();
    assert_eq!(records, [0, 1, 2, 3]);
    assert!(killed.elapsed() < Duration::from_millis(LONG_MS / 4), "{:?}", killed.elapsed());
    bench.eventually("one is lost", || bench.tally.dropped(AlertDrop::NatsDown) == 3);
    assert!(!bench.output.is_ready(0));
    // While it is down, what the spool holds goes back at once.
    bench.push(told.batch(5));
    assert_eq!(told.undelivered(), 5);
    assert_eq!(bench.undelivered(Undelivered::Down), 6);
    assert!(bench.status.reasons()[0].starts_with("lane 0 is down: "));

    server.start();
    bench.eventually("it is ready again", || bench.output.is_ready(0));
    bench.push(told.batch(0));
    let delivered = told.next();
    assert!(
        matches!(delivered, Command::Delivered { record: 0, outcome: Outcome::Acknowledged }),
        "{delivered:?}"
    );
    assert_eq!(bench.status.health.disconnects.load(Ordering::Relaxed), 1);
    assert_eq!(bench.status.lanes[0].link.reconnects(), 1);
    bench.end(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_does_not_answer_fails_until_it_does() {
    let Some(server) = NatsServer::started() else { return };
    let bench = Bench::ready(&NatsConfig { ack_timeout_ms: 100, ..config(&server) }).await;
    let told = Told::new();
    server.freeze();
    bench.push(told.batch(1));
    bench.push(bench.batch(2));
    assert_eq!(told.undelivered(), 1);
    bench.eventually("one is lost", || bench.tally.dropped(AlertDrop::PublishFailed) == 3);
    assert_eq!((bench.state(), bench.undelivered(Undelivered::Timeout)), (LinkState::Failing, 2));
    assert!(bench.status.reasons()[0].contains("no acknowledgement within 100ms"));
    assert!(!bench.status.health.is_ready());
    server.thaw();
    bench.eventually("it is acknowledged", || {
        // What was given up may be acknowledged only now, which nobody waits for any more.
        if bench.output.is_ready(0) && bench.output.has_room(0) {
            bench.push(told.batch(3));
        }
        bench.status.lanes[0].counters.acknowledged.get() > 0
    });
    bench.eventually("it is well again", || bench.state() == LinkState::Ready);
    assert!(bench.status.health.is_ready());
    bench.end(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn core_nats_counts_what_was_flushed() {
    let Some(mut server) = NatsServer::started_without_jetstream() else { return };
    let config = NatsConfig { delivery: Delivery::Core, ..config(&server) };
    let bench = Bench::ready(&config).await;
    let told = Told::new();
    for number in 0..10 {
        bench.push(bench.batch(number));
    }
    bench.push(told.batch(10));
    bench.eventually("all are sent", || bench.tally.sent() == 30);
    let delivered = told.next();
    assert!(matches!(delivered, Command::Delivered { record: 10, outcome: Outcome::Sent }));
    server.kill();
    bench.eventually("it is down", || bench.state() == LinkState::Down);
    bench.push(bench.batch(11));
    bench.eventually("it is lost", || bench.tally.dropped(AlertDrop::NatsDown) == 3);
    bench.end(33).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_for_the_first_connection_goes_when_it_is_there() {
    let Some(mut server) = NatsServer::absent() else { return };
    let bench = Bench::start(&config(&server)).await;
    bench.push(bench.batch(1));
    bench.eventually("it is lost", || bench.tally.dropped(AlertDrop::NatsDown) == 3);
    server.start();
    bench.eventually("it is ready", || bench.output.is_ready(0));
    bench.push(bench.batch(2));
    bench.eventually("it is acknowledged", || bench.tally.acknowledged() == 3);
    bench.end(6).await;
}
