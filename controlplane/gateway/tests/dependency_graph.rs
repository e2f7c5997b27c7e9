//! The dependency graph is a decision: every edge between our crates stands in a table here, and
//! every crate of others has its reason in `docs/dependencies.md`.

#![forbid(unsafe_code)]
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, reason = "a test may fail by panicking")]

mod workspace;

use std::collections::{BTreeMap, BTreeSet};
use std::fs;

use cargo_metadata::{Dependency, DependencyKind, Package};
use workspace::{assert_none, metadata, root};

/// Which of our crates each crate may be built from. What is not here is not allowed: the data
/// plane knows no control plane, rules do not know detection, detection does not know application
/// layers, and only capture-dpdk knows the bindings.
const EDGES: &[(&str, &[&str])] = &[
    ("dpdk-sys", &[]),
    ("dpdk", &["dpdk-sys"]),
    ("sensor-contract", &[]),
    ("capture", &["sensor-contract"]),
    ("capture-dpdk", &["capture", "sensor-contract", "dpdk"]),
    ("packet", &["sensor-contract"]),
    ("flow", &["sensor-contract", "packet"]),
    ("rules", &["sensor-contract"]),
    ("detect", &["sensor-contract", "rules"]),
    ("hash", &["sensor-contract"]),
    ("ring", &["sensor-contract"]),
    (
        "pipeline",
        &["capture", "sensor-contract", "detect", "flow", "hash", "packet", "ring", "rules"],
    ),
    ("testkit", &["sensor-contract"]),
    ("alert-schema", &["sensor-contract"]),
    ("control", &["alert-schema", "sensor-contract", "detect", "ring", "rules"]),
    (
        "sensor-gateway",
        &[
            "alert-schema",
            "capture",
            "capture-dpdk",
            "sensor-contract",
            "control",
            "detect",
            "flow",
            "hash",
            "packet",
            "pipeline",
            "ring",
            "rules",
        ],
    ),
];

/// Crates that may use every other one: they measure, and nothing is built from them.
const MEASURES: &[&str] = &["benches"];

/// What a crate's tests may use beyond [`EDGES`] and the test kit.
const TEST_EDGES: &[(&str, &[&str])] = &[];

/// The test kit: for tests only, whose ever they are.
const TESTKIT: &str = "testkit";

fn allowed(table: &[(&'static str, &'static [&'static str])], crate_: &str) -> Vec<&'static str> {
    table
        .iter()
        .filter(|(name, _)| *name == crate_)
        .flat_map(|(_, to)| to.iter().copied())
        .collect()
}

/// What is wrong with one edge of the graph, if anything.
fn complaint(package: &Package, dependency: &Dependency) -> Option<String> {
    let (from, to) = (package.name.as_str(), dependency.name.as_str());
    let for_tests = dependency.kind == DependencyKind::Development;
    let fine = MEASURES.contains(&from)
        || allowed(EDGES, from).contains(&to)
        || for_tests && (to == TESTKIT || allowed(TEST_EDGES, from).contains(&to));
    let kind = if for_tests { "dev-dependency" } else { "dependency" };
    (!fine).then(|| format!("{from} has the {kind} {to}, which no table in {} allows", file!()))
}

#[test]
fn every_edge_between_our_crates_is_allowed() {
    let metadata = metadata();
    let members: BTreeSet<_> = metadata.packages.iter().map(|p| p.name.as_str()).collect();
    let known: BTreeSet<_> =
        EDGES.iter().map(|(name, _)| *name).chain(MEASURES.iter().copied()).collect();
    let unknown = members.difference(&known).map(|name| format!("{name} has no row in EDGES"));
    let gone = known.difference(&members).map(|name| format!("{name} is no member any more"));
    let edges = metadata.packages.iter().flat_map(|package| {
        let ours = package.dependencies.iter().filter(|d| d.path.is_some());
        ours.filter_map(|dependency| complaint(package, dependency))
    });
    let complaints: Vec<_> = unknown.chain(gone).chain(edges).collect();
    assert_none("the graph of our crates differs from docs/architecture.md:", &complaints);
}

/// Names of others' crates in the root manifest.
fn shared_dependencies() -> BTreeSet<String> {
    let text = fs::read_to_string(root().join("Cargo.toml")).unwrap();
    let manifest: toml::Table = text.parse().unwrap();
    let table = manifest["workspace"]["dependencies"].as_table().unwrap();
    let others = table.iter().filter(|(_, value)| value.get("path").is_none());
    others.map(|(name, _)| name.clone()).collect()
}

/// Names of others' crates that members declare.
fn used_dependencies() -> BTreeSet<String> {
    let metadata = metadata();
    let all = metadata.packages.iter().flat_map(|package| &package.dependencies);
    all.filter(|d| d.path.is_none()).map(|d| d.name.clone()).collect()
}

/// The rows `| `name` | reason |` of `docs/dependencies.md`.
fn reasons() -> BTreeMap<String, String> {
    let text = fs::read_to_string(root().join("docs/dependencies.md")).unwrap();
    let rows = text.lines().filter_map(|line| line.strip_prefix("| `")?.split_once("` |"));
    rows.map(|(name, reason)| (name.to_owned(), reason.trim_matches([' ', '|']).to_owned()))
        .collect()
}

#[test]
fn every_dependency_has_a_reason() {
    let reasons = reasons();
    let declared: BTreeSet<_> =
        used_dependencies().union(&shared_dependencies()).cloned().collect();
    let missing = declared
        .iter()
        .filter(|name| reasons.get(*name).is_none_or(|reason| reason.len() < 20))
        .map(|name| format!("`{name}` has no row with a reason"));
    let stale = reasons
        .keys()
        .filter(|name| !declared.contains(*name))
        .map(|name| format!("`{name}` has a row, and no manifest names it"));
    let complaints: Vec<_> = missing.chain(stale).collect();
    assert_none("docs/dependencies.md differs from the manifests:", &complaints);
}

#[test]
fn every_shared_dependency_is_used() {
    let unused: Vec<_> = shared_dependencies()
        .difference(&used_dependencies())
        .map(|name| format!("`{name}` is in [workspace.dependencies], and no member uses it"))
        .collect();
    assert_none("the root manifest names crates that nothing is built from:", &unused);
}

#[test]
fn versions_are_named_in_one_place() {
    let metadata = metadata();
    let shared = shared_dependencies();
    let stray: Vec<_> = metadata
        .packages
        .iter()
        .flat_map(|package| package.dependencies.iter().map(move |d| (package, d)))
        .filter(|(_, d)| d.path.is_none() && !shared.contains(&d.name))
        .map(|(package, d)| format!("{} names the version of {} itself", package.name, d.name))
        .collect();
    assert_none("versions belong into the root manifest, under [workspace.dependencies]:", &stray);
}
