//! Defaults are usable, and what is dangerous is refused with a mend.

use super::{ApiConfig, EveConfig, NatsConfig, RuleStoreConfig};

#[test]
fn the_defaults_are_valid() {
    assert_eq!(ApiConfig::default().validate(), Ok(()));
    assert_eq!(EveConfig::default().validate(), Ok(()));
    assert_eq!(NatsConfig::default().validate(), Ok(()));
    assert_eq!(RuleStoreConfig::default().validate(), Ok(()));
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
fn unknown_keys_are_refused() {
    let error = serde_json::from_str::<NatsConfig>(r#"{"server": "x"}"#).unwrap_err();
    assert!(error.to_string().contains("unknown field `server`"));
    let delivery: NatsConfig = serde_json::from_str(r#"{"delivery": "core"}"#).unwrap();
    assert_eq!(delivery.delivery, super::Delivery::Core);
}
