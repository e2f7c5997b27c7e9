//! Streams that are different, deleted or full, and servers that are lazy.

use super::*;
use crate::config::{Discard, Retention, Storage, StreamConfig};

#[tokio::test(flavor = "multi_thread")]
async fn the_stream_is_made_as_configured() {
    let Some(server) = NatsServer::started() else { return };
    let stream = StreamConfig {
        messages_max: 1_000,
        retention: Retention::Interest,
        discard: Discard::New,
        storage: Storage::Memory,
        ..StreamConfig::default()
    };
    let bench = Bench::ready(&NatsConfig { stream, ..config(&server) }).await;
    assert_eq!(bench.status.differences(), [""; 0]);
    let found = administrator(&server).await.get_stream("SENSOR_ALERTS").await.unwrap();
    let config = &found.cached_info().config;
    assert_eq!(config.max_messages, 1_000);
    assert_eq!(config.retention, jetstream::stream::RetentionPolicy::Interest);
    assert_eq!(config.discard, jetstream::stream::DiscardPolicy::New);
    assert_eq!(config.storage, jetstream::stream::StorageType::Memory);
    assert_eq!(config.duplicate_window, Duration::from_secs(1_200));
    bench.end(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_differs_is_named_and_used_as_it_is() {
    let Some(server) = NatsServer::started() else { return };
    let own = jetstream::stream::Config {
        name: "SENSOR_ALERTS".into(),
        subjects: vec!["sensor.>".into()],
        max_messages: 77,
        ..Default::default()
    };
    let context = administrator(&server).await;
    context.create_stream(own).await.unwrap();
    let bench = Bench::ready(&config(&server)).await;
    let differences = bench.status.differences();
    let names: Vec<_> = differences.iter().filter_map(|line| line.split(':').next()).collect();
    assert_eq!(
        names,
        ["subjects", "bytes_max", "messages_max", "age_max_s", "duplicate_window_s"],
        "{differences:?}"
    );
    bench.push(bench.batch(1));
    bench.eventually("it is acknowledged", || bench.tally.acknowledged() == 3);
    let found = context.get_stream("SENSOR_ALERTS").await.unwrap();
    assert_eq!(found.cached_info().config.max_messages, 77);
    bench.end(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_deleted_is_made_again() {
    let Some(server) = NatsServer::started() else { return };
    let bench = Bench::ready(&config(&server)).await;
    let told = Told::new();
    let context = administrator(&server).await;
    context.delete_stream("SENSOR_ALERTS").await.unwrap();
    // What only memory holds is sent again by the lane, what the spool holds by the spool.
    bench.push(bench.batch(1));
    bench.eventually("it is acknowledged", || bench.tally.acknowledged() == 3);
    assert_eq!(stored(&context).await, 1);
    context.delete_stream("SENSOR_ALERTS").await.unwrap();
    bench.push(told.batch(2));
    assert_eq!(told.undelivered(), 2);
    bench.eventually("it is ready again", || bench.output.is_ready(0));
    bench.push(told.batch(2));
    let delivered = told.next();
    assert!(matches!(delivered, Command::Delivered { record: 2, .. }), "{delivered:?}");
    assert_eq!(stored(&context).await, 1);
    assert_eq!(bench.undelivered(Undelivered::NoStream), 1);
    bench.end(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_does_not_listen_is_refused_until_it_does() {
    let Some(server) = NatsServer::started() else { return };
    let mut own = jetstream::stream::Config {
        name: "SENSOR_ALERTS".into(),
        subjects: vec!["other.>".into()],
        ..Default::default()
    };
    let context = administrator(&server).await;
    context.create_stream(own.clone()).await.unwrap();
    let bench = Bench::ready(&config(&server)).await;
    let told = Told::new();
    bench.push(told.batch(1));
    assert_eq!(told.undelivered(), 1);
    bench.eventually("it is refused", || bench.state() == LinkState::Refused);
    let reasons = bench.status.reasons();
    assert!(reasons[0].contains("does not listen to sensor.lab.s1.alert.1"), "{reasons:?}");
    bench.push(bench.batch(2));
    bench.eventually("it is lost", || bench.tally.dropped(AlertDrop::PublishFailed) == 3);
    own.subjects.push("sensor.>".into());
    context.update_stream(own).await.unwrap();
    bench.eventually("it is ready again", || bench.output.is_ready(0));
    bench.push(bench.batch(3));
    bench.eventually("it is acknowledged", || bench.tally.acknowledged() == 3);
    bench.end(6).await;
}

/// A full stream that loses a message now and then takes one, and refuses the next.
#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_mostly_full_does_not_change_the_state_with_every_message() {
    let Some(server) = NatsServer::started() else { return };
    let stream = StreamConfig { messages_max: 1, discard: Discard::New, ..StreamConfig::default() };
    let bench = Bench::ready(&NatsConfig { stream, ..config(&server) }).await;
    let context = administrator(&server).await;
    let mut changes = bench.status.lanes[0].link.subscribe();
    changes.mark_unchanged();
    let stream = context.get_stream("SENSOR_ALERTS").await.unwrap();
    for number in 0..10 {
        stream.purge().await.unwrap();
        bench.push(bench.batch(2 * number));
        bench.push(bench.batch(2 * number + 1));
        let sum = || bench.tally.acknowledged() + bench.tally.dropped(AlertDrop::PublishFailed);
        bench.eventually("both have ended", || sum() == 6 * u64::from(number + 1));
        assert_eq!(bench.state(), LinkState::Failing);
        assert_eq!(changes.has_changed().unwrap(), number == 0);
        changes.mark_unchanged();
    }
    assert_eq!((bench.tally.acknowledged(), bench.undelivered(Undelivered::NotStored)), (30, 10));
    stream.purge().await.unwrap();
    bench.push(bench.batch(20));
    bench.eventually("it is well again", || bench.state() == LinkState::Ready);
    bench.end(63).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_stream_refuses_until_there_is_room() {
    let Some(server) = NatsServer::started() else { return };
    let stream = StreamConfig { messages_max: 2, discard: Discard::New, ..StreamConfig::default() };
    let bench = Bench::ready(&NatsConfig { stream, ..config(&server) }).await;
    let told = Told::new();
    bench.push(bench.batch(1));
    bench.push(bench.batch(2));
    bench.eventually("two are acknowledged", || bench.tally.acknowledged() == 6);
    bench.push(bench.batch(3));
    bench.push(told.batch(4));
    assert_eq!(told.undelivered(), 4);
    assert_eq!(bench.tally.dropped(AlertDrop::PublishFailed), 3);
    assert_eq!(bench.state(), LinkState::Failing);
    let reasons = bench.status.reasons();
    assert!(reasons[0].contains("maximum messages exceeded"), "{reasons:?}");
    assert!(!bench.status.health.is_ready());
    assert_eq!(bench.undelivered(Undelivered::NotStored), 2);

    let context = administrator(&server).await;
    context.get_stream("SENSOR_ALERTS").await.unwrap().purge().await.unwrap();
    bench.eventually("the pause ends", || bench.output.is_ready(0));
    assert!(bench.output.has_room(0));
    bench.push(told.batch(4));
    let delivered = told.next();
    assert!(matches!(delivered, Command::Delivered { record: 4, .. }), "{delivered:?}");
    bench.eventually("it is well again", || bench.status.health.is_ready());
    assert_eq!(bench.status.reasons(), [""; 0]);
    bench.end(9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_larger_than_the_stream_takes_is_lost_for_good() {
    let Some(server) = NatsServer::started() else { return };
    let own = jetstream::stream::Config {
        name: "SENSOR_ALERTS".into(),
        subjects: vec!["sensor.>".into()],
        max_message_size: 1_024,
        ..Default::default()
    };
    administrator(&server).await.create_stream(own).await.unwrap();
    let bench = Bench::ready(&config(&server)).await;
    bench.push(Outgoing { payload: vec![b'x'; 4_096].into(), ..bench.batch(1) });
    bench.eventually("it is lost", || bench.tally.dropped(AlertDrop::PublishFailed) == 3);
    assert_eq!(bench.undelivered(Undelivered::TooLarge), 1);
    assert_eq!(bench.state(), LinkState::Ready);
    bench.end(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn lazy_durability_is_shown() {
    let Some(mut server) = NatsServer::absent() else { return };
    let monitor_url = Some(server.monitor());
    server.start();
    let bench = Bench::ready(&NatsConfig { monitor_url, ..config(&server) }).await;
    let durability = || bench.status.durability().unwrap_or_default();
    bench.eventually("the replicas are known", || durability().replicas == Some(1));
    let found = durability();
    // Debian's server does not tell; newer ones say how often they sync.
    assert!(found.sync == "unknown" || found.sync.starts_with("every "), "{found:?}");
    assert!(found.warnings.iter().any(|warning| warning.contains("one replica")), "{found:?}");
    assert!(found.warnings.iter().any(|warning| warning.contains("power cut")), "{found:?}");
    bench.end(0).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn monitoring_that_cannot_be_read_is_said_and_stops_nothing() {
    let Some(server) = NatsServer::started() else { return };
    // Answers, but not in HTTP.
    let monitor_url = Some(server.url().replace("nats://", "http://"));
    let bench = Bench::ready(&NatsConfig { monitor_url, ..config(&server) }).await;
    let warnings = || bench.status.durability().unwrap_or_default().warnings;
    bench.eventually("it is said", || {
        warnings().iter().any(|warning| warning.starts_with("nats.monitor_url cannot be read"))
    });
    bench.push(bench.batch(1));
    bench.eventually("it is acknowledged", || bench.tally.acknowledged() == 3);
    bench.end(3).await;
}
