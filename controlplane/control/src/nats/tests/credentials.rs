//! An operator, an account and a user, as `nsc` would make them: signed JWTs (NATS ADR-14).

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use nkeys::KeyPair;
use serde_json::{Value, json};

/// What a server has to know, and what a user authenticates with.
pub(super) struct Account {
    /// The server's configuration.
    pub(super) settings: String,
    /// The user's credentials file.
    pub(super) credentials: String,
}

/// A new account with one user.
pub(super) fn account() -> Account {
    let (operator, user) = (KeyPair::new_operator(), KeyPair::new_user());
    let (account, system) = (KeyPair::new_account(), KeyPair::new_account());
    let no_limits = json!({ "subs": -1, "data": -1, "payload": -1, "conn": -1, "leaf": -1,
        "imports": -1, "exports": -1, "wildcards": true, "mem_storage": -1, "disk_storage": -1,
        "streams": -1, "consumer": -1 });
    let operator_jwt = token(&operator, &operator, &json!({ "type": "operator", "version": 2 }));
    let claims = json!({ "type": "account", "version": 2, "limits": no_limits });
    let account_jwt = token(&operator, &account, &claims);
    // JetStream is not for the server's own account.
    let claims = json!({ "type": "account", "version": 2, "limits": { "subs": -1, "data": -1,
        "payload": -1, "conn": -1, "leaf": -1, "imports": -1, "exports": -1, "wildcards": true } });
    let system_jwt = token(&operator, &system, &claims);
    let claims = json!({ "type": "user", "version": 2, "subs": -1, "data": -1, "payload": -1 });
    let user_jwt = token(&account, &user, &claims);
    let (key, system) = (account.public_key(), system.public_key());
    Account {
        settings: format!(
            "operator: {operator_jwt}\nsystem_account: {system}\nresolver: MEMORY\n\
             resolver_preload: {{\n{key}: {account_jwt}\n{system}: {system_jwt}\n}}"
        ),
        credentials: format!(
            "-----BEGIN NATS USER JWT-----\n{user_jwt}\n------END NATS USER JWT------\n\n\
             -----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n",
            user.seed().unwrap()
        ),
    }
}

/// A JWT in which `issuer` says `claims` of `subject`.
fn token(issuer: &KeyPair, subject: &KeyPair, claims: &Value) -> String {
    let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
    let body = json!({ "jti": subject.public_key(), "iat": 1_700_000_000, "iss": issuer.public_key(),
        "sub": subject.public_key(), "name": "test", "nats": claims });
    let text = format!("{}.{}", part(&json!({ "typ": "JWT", "alg": "ed25519-nkey" })), part(&body));
    let signature = URL_SAFE_NO_PAD.encode(issuer.sign(text.as_bytes()).unwrap());
    format!("{text}.{signature}")
}
