//! Generations come and go, and a signature's text is rendered as readers of EVE expect it.

use std::sync::Arc;

use super::{GenerationText, Registry, RegistryReader};
use crate::testing::rule;

#[test]
fn a_generation_is_found_until_it_is_removed() {
    let registry = Arc::new(Registry::default());
    let mut reader = RegistryReader::new(Arc::clone(&registry));
    assert!(reader.signature(1, 0).is_none());
    registry.insert(GenerationText::new(1, [&rule(10, 1)]));
    registry.insert(GenerationText::new(2, [&rule(20, 1), &rule(21, 2)]));
    assert_eq!(reader.signature(1, 0).map(|s| s.sid), Some(10));
    assert_eq!(reader.signature(2, 1).map(|s| (s.sid, s.severity)), Some((21, 2)));
    assert!(reader.signature(2, 2).is_none());
    registry.remove_before(2);
    assert!(reader.signature(1, 0).is_none());
    assert_eq!(registry.numbers(), [2]);
}

#[test]
fn metadata_keys_that_repeat_become_lists() {
    let mut rule = rule(7, 3);
    rule.meta.msg = "a \"quoted\" \\ text".into();
    rule.meta.metadata = vec![
        ("tag".into(), "a".into()),
        ("created_at".into(), "2020".into()),
        ("tag".into(), "b".into()),
    ];
    let text = super::SignatureText::of(&rule);
    assert_eq!(
        text.eve,
        r#"{"action":"allowed","gid":1,"signature_id":7,"rev":1,"signature":"a \"quoted\" \\ text","category":"Misc activity","severity":3,"metadata":{"created_at":["2020"],"tag":["a","b"]}}"#
    );
}
