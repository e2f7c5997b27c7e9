//! TLS, with certificates for this test alone.

use testkit::Authority;

use super::login::{delivers, is_down};
use super::*;

/// A server that asks for the sensor's certificate where `mutual`.
fn server(authority: &Authority, mutual: bool) -> Option<NatsServer> {
    let mut server = NatsServer::absent()?;
    server.configure(&authority.nats_settings(mutual));
    server.start();
    Some(server)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_must_be_known() {
    let authority = Authority::generate();
    authority.certify_server("server", "127.0.0.1");
    let Some(server) = server(&authority, false) else { return };
    let trusting = NatsConfig { ca_file: Some(authority.path("ca.pem")), ..config(&server) };
    delivers(&trusting).await;
    let tls = server.url().replace("nats://", "tls://");
    delivers(&NatsConfig { servers: vec![tls], tls_required: true, ..trusting }).await;
    is_down(&config(&server), "invalid peer certificate: UnknownIssuer; look at nats.ca_file")
        .await;
    let other =
        NatsConfig { ca_file: Some(Authority::generate().path("ca.pem")), ..config(&server) };
    let (clock, _) = Clock::mock();
    let identity = SensorIdentity { site: "lab".into(), sensor: "s1".into(), boot: "b".into() };
    // The folder of the other authority is gone.
    let error = start(&other, &identity, &clock, &Arc::default()).await.err().unwrap();
    assert!(error.to_string().starts_with("nats.ca_file: "), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_host_is_refused() {
    let authority = Authority::generate();
    authority.certify_server("server", "nats.example.org");
    let Some(server) = server(&authority, false) else { return };
    let trusting = NatsConfig { ca_file: Some(authority.path("ca.pem")), ..config(&server) };
    is_down(&trusting, "whether the server's certificate has its host's name").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_show_certificates() {
    let authority = Authority::generate();
    authority.certify_server("server", "127.0.0.1");
    authority.certify_client("sensor", "sensor");
    let Some(server) = server(&authority, true) else { return };
    let ca_file = Some(authority.path("ca.pem"));
    let with = |name: &str, authority: &Authority| NatsConfig {
        ca_file: ca_file.clone(),
        cert_file: Some(authority.path(&format!("{name}.pem"))),
        key_file: Some(authority.path(&format!("{name}.key"))),
        ..config(&server)
    };
    delivers(&with("sensor", &authority)).await;
    let refused = "received fatal alert: BadCertificate; look at nats.ca_file, cert_file";
    is_down(&NatsConfig { ca_file: ca_file.clone(), ..config(&server) }, refused).await;
    let stranger = Authority::generate();
    stranger.certify_client("sensor", "sensor");
    is_down(&with("sensor", &stranger), "received fatal alert: ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_refused_where_it_is_required() {
    let Some(server) = NatsServer::started() else { return };
    let config = NatsConfig { tls_required: true, ..config(&server) };
    is_down(&config, "the server does not speak TLS there").await;
}
