//! The public rule set, where it is at hand: how far we get, and how fast.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::path::PathBuf;
use std::time::Instant;

use rules::{Environment, Kind, load, parse_classifications, parse_references};

fn environment(folder: &std::path::Path) -> Environment {
    let read = |path: &str| std::fs::read_to_string(folder.join(path)).unwrap();
    let variables: serde_json::Value = serde_json::from_str(&read("config/vars.json")).unwrap();
    let group = |name: &str| {
        let group = variables[name].as_object().unwrap().iter();
        group.map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned())).collect()
    };
    let (classifications, errors) = parse_classifications(&read("et/rules/classification.config"));
    assert!(errors.is_empty(), "{errors:?}");
    let (references, errors) = parse_references(&read("config/reference.config"));
    assert!(errors.is_empty(), "{errors:?}");
    Environment {
        address_groups: group("address-groups"),
        port_groups: group("port-groups"),
        classifications,
        references,
    }
}

#[test]
fn public_rules_load_or_say_why() {
    let shared = std::env::var_os("SENSOR_SHARED").map(PathBuf::from).unwrap_or_default();
    let folder = shared.join("conformance");
    let Ok(text) = std::fs::read(folder.join("et/rules/et-open-active.rules")) else {
        println!("SKIPPED: no public rules under SENSOR_SHARED");
        return;
    };
    let environment = environment(&folder);
    let start = Instant::now();
    let loaded = load(&text, "et-open-active.rules", &environment);
    let took = start.elapsed();
    let counts = &loaded.counts;
    println!(
        "{} read, {} loaded, {} refused, {took:?}",
        counts.read, counts.loaded, counts.refused
    );
    let mut refused: Vec<_> = counts.refused_by.iter().collect();
    refused.sort_by_key(|(_, count)| std::cmp::Reverse(**count));
    for (keyword, count) in refused {
        println!("{count:>7} {keyword}");
    }
    assert_eq!(counts.read, 14_966);
    assert_eq!(counts.read, counts.loaded + counts.replaced + counts.refused);
    assert!(counts.loaded >= 1_600, "{} loaded", counts.loaded);
    for said in &loaded.diagnostics {
        // All but three load in Suricata, which negate a variable that is `any` here.
        let expected = matches!(said.kind, Kind::Unsupported | Kind::Group);
        assert!(expected, "{said}");
    }
}
