//! Queues and sizes at their limits.

use super::*;
use crate::tally::Outcome;

#[tokio::test(flavor = "multi_thread")]
async fn a_full_lane_gives_batches_back() {
    let Some(mut server) = NatsServer::started() else { return };
    let config = NatsConfig {
        acks_in_flight_max: 1,
        queue_alerts_max: 12,
        ack_timeout_ms: LONG_MS,
        ..config(&server)
    };
    let bench = Bench::ready(&config).await;
    server.freeze();
    bench.push(bench.batch(0));
    let in_flight = || bench.status.lanes[0].counters.in_flight();
    bench.eventually("one is on its way", || in_flight() == 1);
    assert!(bench.output.has_room(0));
    // Four of three alerts each are twelve.
    for number in 1..5 {
        bench.push(bench.batch(number));
    }
    assert!(!bench.output.has_room(0));
    let back = bench.output.push(bench.batch(5)).unwrap_err();
    assert_eq!(back.id, "s1.b00t.0.5");
    back.lost(AlertDrop::LaneFull);
    let elsewhere = Outgoing { lane: 1, ..bench.batch(6) };
    drop(bench.output.push(elsewhere).unwrap_err());
    server.kill();
    bench.eventually("all are lost", || bench.tally.dropped(AlertDrop::NatsDown) == 15);
    assert!(bench.output.has_room(0));
    assert_eq!(bench.tally.dropped(AlertDrop::LaneFull), 3);
    bench.end(21).await;
}

/// What the socket has no room for waits in the client, and would wait there for the next connection.
#[tokio::test(flavor = "multi_thread")]
async fn a_queue_is_handed_back_while_nothing_can_be_written() {
    let Some(mut server) = NatsServer::started() else { return };
    let config = NatsConfig {
        acks_in_flight_max: 32,
        queue_bytes_max: 1 << 30,
        ack_timeout_ms: LONG_MS,
        ..config(&server)
    };
    let bench = Bench::ready(&config).await;
    server.freeze();
    // More than the buffers of a loopback connection hold.
    let payload = Bytes::from(vec![b'x'; 1 << 19]);
    for number in 0..40 {
        bench.push(Outgoing { payload: payload.clone(), ..bench.batch(number) });
    }
    let in_flight = || bench.status.lanes[0].counters.in_flight();
    bench.eventually("no more can be on their way", || in_flight() == 32);
    server.kill();
    bench.eventually("all are lost", || bench.tally.dropped(AlertDrop::NatsDown) == 120);
    bench.end(120).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_count_until_they_are_acknowledged() {
    let Some(server) = NatsServer::started() else { return };
    let config =
        NatsConfig { queue_bytes_max: 1 << 20, ack_timeout_ms: LONG_MS, ..config(&server) };
    let bench = Bench::ready(&config).await;
    let large = |number| Outgoing { payload: vec![b'x'; 200 << 10].into(), ..bench.batch(number) };
    server.freeze();
    for number in 0..5 {
        bench.push(large(number));
    }
    bench.output.push(large(5)).unwrap_err().lost(AlertDrop::LaneFull);
    server.thaw();
    bench.eventually("all are acknowledged", || bench.tally.acknowledged() == 15);
    assert!(bench.output.has_room(0));
    bench.push(large(6));
    bench.eventually("one more is acknowledged", || bench.tally.acknowledged() == 18);
    bench.end(21).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_batch_larger_than_the_server_takes_is_lost_for_good() {
    let Some(mut server) = NatsServer::absent() else { return };
    server.configure("max_payload: 65536");
    server.start();
    let bench = Bench::ready(&config(&server)).await;
    let told = Told::new();
    let large = vec![b'x'; 65_536 - 500];
    bench.push(Outgoing { payload: large.clone().into(), ..bench.batch(1) });
    bench.push(Outgoing { payload: large.into(), ..told.batch(2) });
    let told_of = told.next();
    let lost = Outcome::Dropped(AlertDrop::PublishFailed);
    assert!(
        matches!(told_of, Command::Delivered { record: 2, outcome } if outcome == lost),
        "{told_of:?}"
    );
    assert_eq!(bench.tally.dropped(AlertDrop::PublishFailed), 3);
    assert_eq!(bench.undelivered(Undelivered::TooLarge), 2);
    assert_eq!(bench.bytes_max.load(Ordering::Relaxed), 65_536 - 512);
    let fits = vec![b'x'; 65_536 - 512];
    bench.push(Outgoing { payload: fits.into(), ..bench.batch(3) });
    bench.eventually("what fits is acknowledged", || bench.tally.acknowledged() == 3);
    assert_eq!(bench.state(), LinkState::Ready);
    bench.end(6).await;
}
