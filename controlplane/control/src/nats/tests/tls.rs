//! TLS, with certificates for this test alone.

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

use super::login::{delivers, file, is_down};
use super::*;

/// An authority, and who it certifies.
struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new one; its certificate is in `ca.pem`.
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().unwrap();
        file(folder.path(), "ca.pem", &params.self_signed(&key).unwrap().pem());
        Self { folder, issuer: Issuer::new(params, key) }
    }

    /// Certifies `name`: `<file>.pem` and `<file>.key`.
    fn certify(&self, file_name: &str, name: &str, usage: ExtendedKeyUsagePurpose) {
        let mut params = CertificateParams::new([name.to_owned()]).unwrap();
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().unwrap();
        let certificate = params.signed_by(&key, &self.issuer).unwrap();
        file(self.folder.path(), &format!("{file_name}.pem"), &certificate.pem());
        file(self.folder.path(), &format!("{file_name}.key"), &key.serialize_pem());
    }

    fn path(&self, name: &str) -> Option<std::path::PathBuf> {
        Some(self.folder.path().join(name))
    }
}

/// A server that asks for the sensor's certificate where `mutual`.
fn server(authority: &Authority, mutual: bool) -> Option<NatsServer> {
    let mut server = NatsServer::absent()?;
    let folder = authority.folder.path().display();
    server.configure(&format!(
        "tls {{ cert_file: '{folder}/server.pem', key_file: '{folder}/server.key', \
         ca_file: '{folder}/ca.pem', verify: {mutual} }}"
    ));
    server.start();
    Some(server)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_authority_must_be_known() {
    let authority = Authority::new();
    authority.certify("server", "127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth);
    let Some(server) = server(&authority, false) else { return };
    let trusting = NatsConfig { ca_file: authority.path("ca.pem"), ..config(&server) };
    delivers(&trusting).await;
    let tls = server.url().replace("nats://", "tls://");
    delivers(&NatsConfig { servers: vec![tls], tls_required: true, ..trusting }).await;
    is_down(&config(&server), "invalid peer certificate: UnknownIssuer; look at nats.ca_file")
        .await;
    let other = NatsConfig { ca_file: Authority::new().path("ca.pem"), ..config(&server) };
    let (clock, _) = Clock::mock();
    let identity = SensorIdentity { site: "lab".into(), sensor: "s1".into(), boot: "b".into() };
    // The folder of the other authority is gone.
    let error = start(&other, &identity, &clock, &Arc::default()).await.err().unwrap();
    assert!(error.to_string().starts_with("nats.ca_file: "), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_another_host_is_refused() {
    let authority = Authority::new();
    authority.certify("server", "nats.example.org", ExtendedKeyUsagePurpose::ServerAuth);
    let Some(server) = server(&authority, false) else { return };
    let trusting = NatsConfig { ca_file: authority.path("ca.pem"), ..config(&server) };
    is_down(&trusting, "whether the server's certificate has its host's name").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_show_certificates() {
    let authority = Authority::new();
    authority.certify("server", "127.0.0.1", ExtendedKeyUsagePurpose::ServerAuth);
    authority.certify("sensor", "sensor", ExtendedKeyUsagePurpose::ClientAuth);
    let Some(server) = server(&authority, true) else { return };
    let ca_file = authority.path("ca.pem");
    let with = |name: &str, authority: &Authority| NatsConfig {
        ca_file: ca_file.clone(),
        cert_file: authority.path(&format!("{name}.pem")),
        key_file: authority.path(&format!("{name}.key")),
        ..config(&server)
    };
    delivers(&with("sensor", &authority)).await;
    let refused = "received fatal alert: BadCertificate; look at nats.ca_file, cert_file";
    is_down(&NatsConfig { ca_file: ca_file.clone(), ..config(&server) }, refused).await;
    let stranger = Authority::new();
    stranger.certify("sensor", "sensor", ExtendedKeyUsagePurpose::ClientAuth);
    is_down(&with("sensor", &stranger), "received fatal alert: ").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_refused_where_it_is_required() {
    let Some(server) = NatsServer::started() else { return };
    let config = NatsConfig { tls_required: true, ..config(&server) };
    is_down(&config, "the server does not speak TLS there").await;
}
