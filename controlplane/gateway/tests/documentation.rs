//! `docs/configuration.md` has every key with its default, every exit code, and nothing else.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use std::collections::BTreeMap;

use sensor_gateway::config::Config;
use sensor_gateway::exit::Exit;
use serde_json::Value;

const PAGE: &str = include_str!("../../../docs/configuration.md");

/// The page's table rows, by their first cell.
fn rows() -> impl Iterator<Item = Vec<&'static str>> {
    PAGE.lines()
        .filter_map(|line| line.strip_prefix("| ")?.strip_suffix(" |"))
        .map(|line| line.split(" | ").map(str::trim).collect())
}

fn code(cell: &str) -> Option<&str> {
    cell.strip_prefix('`')?.strip_suffix('`')
}

fn flatten(key: &str, value: &Value, into: &mut BTreeMap<String, String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let key = if key.is_empty() { name.clone() } else { format!("{key}.{name}") };
                flatten(&key, member, into);
            }
        }
        Value::Null => {
            into.insert(key.to_owned(), "unset".to_owned());
        }
        plain => {
            into.insert(key.to_owned(), format!("`{plain}`"));
        }
    }
}

#[test]
fn every_key_is_described_with_its_default() {
    let mut expected = BTreeMap::new();
    flatten("", &serde_json::to_value(Config::default()).unwrap(), &mut expected);
    // A build without DPDK does not know these keys.
    let unknown = |key: &str| !cfg!(feature = "dpdk") && key.starts_with("capture.dpdk.");
    let described: BTreeMap<String, String> = rows()
        .filter_map(|row| Some((code(row[0])?.to_owned(), row.get(1)?.to_string())))
        .filter(|(key, _)| !unknown(key))
        .collect();
    assert_eq!(described, expected);
}

#[test]
fn every_exit_code_is_described() {
    let described: Vec<(String, String)> = rows()
        .filter(|row| row[0].parse::<u8>().is_ok())
        .map(|row| (row[0].to_owned(), row[1].to_owned()))
        .collect();
    let expected: Vec<(String, String)> =
        Exit::ALL.iter().map(|exit| ((*exit as u8).to_string(), exit.meaning().into())).collect();
    assert_eq!(described, expected);
}
