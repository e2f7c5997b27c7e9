//! Defaults are usable, and what is dangerous is refused with a mend.

use super::{ApiConfig, EveConfig, NatsConfig, RuleStoreConfig, SpoolConfig};

#[test]
fn the_defaults_are_valid() {
    assert_eq!(ApiConfig::default().validate(), Ok(()));
    assert_eq!(EveConfig::default().validate(), Ok(()));
    assert_eq!(NatsConfig::default().validate(), Ok(()));
    assert_eq!(RuleStoreConfig::default().validate(), Ok(()));
    assert_eq!(SpoolConfig::default().validate(), Ok(()));
    assert!(!NatsConfig::default().is_enabled());
}

#[test]
fn an_open_api_without_a_token_is_refused() {
    let mut api = ApiConfig { listen: "0.0.0.0:8080".parse().unwrap(), ..ApiConfig::default() };
    let error = api.validate().unwrap_err();
    assert_eq!(error.key, "api.listen");
    assert!(error.reason.contains("token_file"));
    api.token_file = Some("/etc/token".into());
    assert_eq!(api.validate(), Ok(()));
}

#[test]
fn values_out_of_range_name_their_key() {
    let mut nats =
        NatsConfig { servers: vec!["nats://127.0.0.1:4222".into()], ..Default::default() };
    assert_eq!(nats.validate(), Ok(()));
    nats.lanes = 9;
    assert_eq!(nats.validate().unwrap_err().key, "nats.lanes");
    nats.lanes = 1;
    nats.window_us = 10_001;
    assert_eq!(nats.validate().unwrap_err().key, "nats.window_us");
    nats.window_us = 0;
    nats.stream.name = "a.b".into();
    assert_eq!(nats.validate().unwrap_err().key, "nats.stream.name");
    nats.stream.name = "A".into();
    nats.servers.push("ftp://x".into());
    assert_eq!(nats.validate().unwrap_err().key, "nats.servers");
}

#[test]
fn a_password_in_an_address_is_refused_and_not_shown() {
    let mut nats = NatsConfig {
        servers: vec!["nats://ids:pa55@127.0.0.1:4222".into()],
        monitor_url: Some("http://ids:pa55@127.0.0.1:8222".into()),
        ..NatsConfig::default()
    };
    let error = nats.validate().unwrap_err();
    assert_eq!(error.key, "nats.servers");
    assert!(error.reason.contains("nats.password_file"), "{error}");
    assert!(
        !error.to_string().contains("pa55") && !format!("{nats:?}").contains("pa55"),
        "{error}"
    );
    assert!(format!("{nats:?}").contains("127.0.0.1:4222"), "{nats:?}");
    nats.servers = vec!["tls://nats.example.org".into()];
    let error = nats.validate().unwrap_err();
    assert_eq!(error.key, "nats.monitor_url");
    assert!(!error.to_string().contains("pa55"), "{error}");
    nats.monitor_url = Some("http://127.0.0.1:8222/".into());
    assert_eq!(nats.validate(), Ok(()));
    nats.servers.push("ws://nats.example.org".into());
    assert_eq!(nats.validate().unwrap_err().key, "nats.servers");
}

#[test]
fn ways_to_authenticate_exclude_each_other_and_are_whole() {
    let file = || Some("/etc/file".into());
    let (user, password_file) = (Some("ids".to_owned()), file());
    let nats = NatsConfig { user, password_file, ..NatsConfig::default() };
    assert_eq!(nats.validate(), Ok(()));
    let both = NatsConfig { nkey_file: file(), ..nats };
    let error = both.validate().unwrap_err();
    assert_eq!((error.key, error.reason.contains("nats.user")), ("nats.nkey_file", true));
    let lone = NatsConfig { password_file: file(), ..NatsConfig::default() };
    assert_eq!(lone.validate().unwrap_err().key, "nats.password_file");
    let half = NatsConfig { key_file: file(), ..NatsConfig::default() };
    assert_eq!(half.validate().unwrap_err().key, "nats.cert_file");
}

#[test]
fn unknown_keys_are_refused() {
    let error = serde_json::from_str::<NatsConfig>(r#"{"server": "x"}"#).unwrap_err();
    assert!(error.to_string().contains("unknown field `server`"));
    let delivery: NatsConfig = serde_json::from_str(r#"{"delivery": "core"}"#).unwrap();
    assert_eq!(delivery.delivery, super::Delivery::Core);
}

#[test]
fn a_spool_that_cannot_free_itself_or_has_nothing_to_wait_for_is_refused() {
    let mut spool = SpoolConfig { segment_bytes: 512 << 20, ..SpoolConfig::default() };
    assert_eq!(spool.validate(), Ok(()));
    spool.segment_bytes += 1;
    assert_eq!(spool.validate().unwrap_err().key, "spool.segment_bytes");
    spool.segment_bytes = 1 << 20;
    spool.bytes_max = 4_096 << 20;
    assert_eq!(spool.validate(), Ok(()));
    spool.bytes_max += 1 << 20;
    let error = spool.validate().unwrap_err();
    assert!(error.reason.contains("4097 files; use at least 1048832"), "{error}");
    spool.bytes_max = 1 << 30;
    spool.path = Some("spool".into());
    assert_eq!(spool.validate(), Ok(()));
    let mut nats = NatsConfig::default();
    let error = spool.validate_with(&nats).unwrap_err();
    assert_eq!((error.key, error.reason.contains("set nats.servers")), ("spool.path", true));
    nats.servers.push("nats://127.0.0.1:4222".into());
    assert_eq!(spool.validate_with(&nats), Ok(()));
    spool.fsync_interval_ms = 0;
    assert_eq!(spool.validate().unwrap_err().key, "spool.fsync_interval_ms");
}
