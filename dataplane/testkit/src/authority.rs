//! A certificate authority of a test's own, and a NATS server's settings for its certificates.

use std::path::PathBuf;

use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair};
use tempfile::TempDir;

/// An authority, and whom it certifies. Its files end with it.
#[derive(Debug)]
pub struct Authority {
    folder: TempDir,
    issuer: Issuer<'static, KeyPair>,
}

impl Authority {
    /// A new one; its certificate is in `ca.pem`.
    ///
    /// # Panics
    /// If its files cannot be written.
    #[must_use]
    pub fn generate() -> Self {
        let folder = tempfile::tempdir().expect("a folder for certificates");
        let mut params = CertificateParams::default();
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = KeyPair::generate().expect("a key");
        let certificate = params.self_signed(&key).expect("a certificate");
        let authority = Self { folder, issuer: Issuer::new(params, key) };
        authority.write("ca.pem", &certificate.pem());
        authority
    }

    /// Certifies a server on `host`: `<file>.pem` and `<file>.key`.
    ///
    /// # Panics
    /// If `host` is no name, or the files cannot be written.
    pub fn certify_server(&self, file: &str, host: &str) {
        self.certify(file, host, ExtendedKeyUsagePurpose::ServerAuth);
    }

    /// Certifies a client called `name`: `<file>.pem` and `<file>.key`.
    ///
    /// # Panics
    /// If `name` is no name, or the files cannot be written.
    pub fn certify_client(&self, file: &str, name: &str) {
        self.certify(file, name, ExtendedKeyUsagePurpose::ClientAuth);
    }

    fn certify(&self, file: &str, name: &str, usage: ExtendedKeyUsagePurpose) {
        let mut params = CertificateParams::new([name.to_owned()]).expect("a name");
        params.extended_key_usages = vec![usage];
        let key = KeyPair::generate().expect("a key");
        let certificate = params.signed_by(&key, &self.issuer).expect("a certificate");
        self.write(&format!("{file}.pem"), &certificate.pem());
        self.write(&format!("{file}.key"), &key.serialize_pem());
    }

    fn write(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).expect("a file of the authority");
    }

    /// The path of one of its files.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// For [`NatsServer::configure`](crate::NatsServer::configure): the server shows `server.pem`, and where
    /// `mutual` wants a certificate of each client.
    #[must_use]
    pub fn nats_settings(&self, mutual: bool) -> String {
        let folder = self.folder.path().display();
        format!(
            "tls {{ cert_file: '{folder}/server.pem', key_file: '{folder}/server.key', \
             ca_file: '{folder}/ca.pem', verify: {mutual} }}"
        )
    }
}
