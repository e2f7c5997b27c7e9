//! Every way to authenticate, and what is wrong with a wrong one.

use std::path::{Path, PathBuf};

use nkeys::KeyPair;
use tempfile::TempDir;

use super::credentials::account;
use super::*;
use crate::nats::nats_options;

/// A server with `settings`, and a folder for secrets.
pub(super) fn server(settings: &str) -> Option<(NatsServer, TempDir)> {
    let mut server = NatsServer::absent()?;
    server.configure(settings);
    server.start();
    Some((server, tempfile::tempdir().unwrap()))
}

fn file(folder: &Path, name: &str, text: &str) -> Option<PathBuf> {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    Some(path)
}

/// Lanes with these settings deliver.
pub(super) async fn delivers(config: &NatsConfig) {
    let bench = Bench::ready(config).await;
    bench.push(bench.batch(1));
    bench.eventually("it is acknowledged", || bench.tally.acknowledged() == 3);
    bench.end(3).await;
}

/// Lanes with these settings are down for a reason that has `words`.
pub(super) async fn is_down(config: &NatsConfig, words: &str) {
    let bench = Bench::start(config).await;
    let reason = || bench.status.lanes[0].link.reason();
    bench.eventually("it is down", || bench.state() == LinkState::Down);
    bench.eventually(words, || reason().contains(words));
    bench.push(bench.batch(1));
    bench.eventually("it is lost", || bench.tally.dropped(AlertDrop::NatsDown) == 3);
    bench.end(3).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_token() {
    let Some((server, folder)) = server("authorization { token: t0ken }") else { return };
    let with = |token: &str| NatsConfig {
        token_file: file(folder.path(), "token", token),
        ..config(&server)
    };
    delivers(&with("t0ken\n")).await;
    is_down(&with("wr0ng"), "authorization violation; look at nats.user, token_file").await;
    is_down(&config(&server), "authorization violation").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_user_and_password() {
    let settings = "authorization { user: ids, password: pa55 }";
    let Some((server, folder)) = server(settings) else { return };
    let with = |password: &str| NatsConfig {
        user: Some("ids".into()),
        password_file: file(folder.path(), "password", password),
        ..config(&server)
    };
    delivers(&with("pa55\n")).await;
    is_down(&with("wr0ng"), "authorization violation").await;
    let options = nats_options(&with("pa55"), "a reader".into()).unwrap();
    assert!(!format!("{options:?}").contains("pa55"), "{options:?}");
    assert!(options.connect(server.url()).await.is_ok());
    let options = nats_options(&with("wr0ng"), "a reader".into()).unwrap();
    let error = options.connect(server.url()).await.unwrap_err().to_string();
    assert!(error.contains("authorization violation") && !error.contains("wr0ng"), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn by_nkey() {
    let (own, other) = (KeyPair::new_user(), KeyPair::new_user());
    let settings = format!("authorization {{ users: [ {{ nkey: {} }} ] }}", own.public_key());
    let Some((server, folder)) = server(&settings) else { return };
    let with = |pair: &KeyPair| NatsConfig {
        nkey_file: file(folder.path(), "nkey", &pair.seed().unwrap()),
        ..config(&server)
    };
    delivers(&with(&own)).await;
    is_down(&with(&other), "authorization violation").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_credentials() {
    let (own, other) = (account(), account());
    let Some((server, folder)) = server(&own.settings) else { return };
    let with = |credentials: &str| NatsConfig {
        credentials_file: file(folder.path(), "user.creds", credentials),
        ..config(&server)
    };
    delivers(&with(&own.credentials)).await;
    is_down(&with(&other.credentials), "authorization violation").await;
    let (clock, _) = Clock::mock();
    let identity = SensorIdentity { site: "lab".into(), sensor: "s1".into(), boot: "b".into() };
    let started = start(&with("no credentials"), &identity, &clock, &Arc::default()).await;
    let error = started.err().unwrap().to_string();
    assert!(error.starts_with("nats.credentials_file: "), "{error}");
}
