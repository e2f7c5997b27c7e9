//! `check`: what loads, what does not, and why.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

mod common;

use common::{Scratch, run};
use serde_json::{Value, json};

const RULES: &str = "alert udp any any -> any any (content:\"a\"; sid:1;)\n\
                     alert udp any any -> any any (frobnicate; sid:2;)\n\
                     alert udp any any -> any any (pcre:\"/a(?=b)/\"; sid:3;)\n\
                     alert nosuch any any -> any any (content:\"a\"; sid:4;)\n";

#[test]
fn json_counts_every_rule_and_places_every_diagnostic() {
    let scratch = Scratch::new();
    let rules = scratch.write("a.rules", RULES);
    let ended = run(&["check", "--rules", &rules, "--output", "json"]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!(
        (&report["read"], &report["loaded"], &report["refused"]),
        (&json!(4), &json!(1), &json!(3))
    );
    let by_keyword = report["refused_by_keyword"].as_object().unwrap();
    assert_eq!(by_keyword.values().map(|n| n.as_u64().unwrap()).sum::<u64>(), 3);
    assert_eq!(by_keyword["frobnicate"], 1);
    let first = &report["diagnostics"][0];
    assert_eq!(first["file"], json!(rules));
    assert_eq!((&first["line"], &first["keyword"]), (&json!(2), &json!("frobnicate")));
    assert_eq!(first["column"], 31);
    assert!(first["message"].is_string() && first.get("hint").is_some());
}

#[test]
fn strict_fails_on_the_first_refusal_and_names_it() {
    let scratch = Scratch::new();
    let rules = scratch.write("a.rules", RULES);
    let ended = run(&["check", "--rules", &rules, "--strict"]);
    assert_eq!(ended.code, Some(3), "{ended:?}");
    assert!(ended.stdout.contains("4 rules read: 1 loaded, 3 refused"), "{ended:?}");
    assert!(ended.stderr.contains("a.rules:2:31"), "{ended:?}");
}

#[test]
fn rules_of_several_files_are_one_set() {
    let scratch = Scratch::new();
    let one = "alert udp any any -> any any (content:\"a\"; sid:1; rev:1;)\n\
               alert udp any any -> any any (content:\"b\"; sid:2; rev:2;)\n";
    let two = "alert udp any any -> any any (content:\"c\"; sid:1; rev:2;)\n\
               alert udp any any -> any any (content:\"d\"; sid:2; rev:2;)\n";
    let (one, two) = (scratch.write("1.rules", one), scratch.write("2.rules", two));
    let ended = run(&["check", "-S", &one, "-S", &two, "--output", "json"]);
    let report: Value = serde_json::from_str(&ended.stdout).unwrap();
    assert_eq!((&report["loaded"], &report["replaced"]), (&json!(2), &json!(1)));
    assert_eq!((&report["refused"], &report["read"]), (&json!(1), &json!(4)));
    let message = report["diagnostics"].to_string();
    assert!(message.contains("2.rules"), "{message}");
}

#[test]
fn the_files_of_the_configuration_are_checked() {
    let scratch = Scratch::new();
    let rules = scratch.write("a.rules", RULES);
    let config = scratch.write("s.toml", format!("[rules]\nfiles = [\"{rules}\"]\n"));
    let ended = run(&["check", "-c", &config]);
    assert_eq!(ended.code, Some(0), "{ended:?}");
    assert!(ended.stdout.contains("4 rules read: 1 loaded, 3 refused"), "{ended:?}");
    let version = run(&["--version"]);
    assert_eq!((version.code, version.stdout.starts_with("sensor-gateway ")), (Some(0), true));
}
