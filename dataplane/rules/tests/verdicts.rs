//! Which rules load, compared with what Suricata 7.0.10 says of them (`data/verdicts*.txt`).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, missing_docs)]

use rules::{Environment, load, parse_classifications};

/// The variables that the verdicts were taken with.
fn environment() -> Environment {
    let groups = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    let (classifications, _) =
        parse_classifications("config classification: trojan-activity,Trojan,1\n");
    Environment {
        address_groups: groups(&[
            ("HOME_NET", "any"),
            ("EXTERNAL_NET", "any"),
            ("HTTP_SERVERS", "$HOME_NET"),
            ("A1", "1.2.3.0/24"),
            ("A2", "1.2.3.4"),
            ("A3", "!$A1"),
            ("A6", "[$A1,!$A2]"),
        ]),
        port_groups: groups(&[
            ("HTTP_PORTS", "80"),
            ("SHELLCODE_PORTS", "!80"),
            ("P1", "[80:90,!85]"),
        ]),
        classifications,
        ..Environment::default()
    }
}

fn rule(form: &str, text: &str, number: usize) -> String {
    match form {
        "options" => format!(r#"alert tcp any any -> any any (msg:"m"; {text} sid:{number};)"#),
        "ip" => format!(r#"alert ip any any -> any any (msg:"m"; {text} sid:{number};)"#),
        "icmp" => format!(r#"alert icmp any any -> any any (msg:"m"; {text} sid:{number};)"#),
        "addresses" => format!(r#"alert tcp {text} any -> any any (msg:"m"; sid:{number};)"#),
        "ports" => format!(r#"alert tcp any {text} -> any any (msg:"m"; sid:{number};)"#),
        "rule" => text.replace("SID", &format!("sid:{number};")),
        other => panic!("unknown form {other}"),
    }
}

#[test]
fn rules_load_as_they_do_in_suricata() {
    let environment = environment();
    let (mut wrong, mut cases) = (Vec::new(), 0);
    let files = [include_str!("data/verdicts.txt"), include_str!("data/verdicts_bytes.txt")];
    for (number, line) in files.into_iter().flat_map(|file| (1..).zip(file.lines())) {
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let (verdict, rest) = line.split_at(2);
        let (form, text) = rest.trim_start().split_once(' ').unwrap();
        let rule = rule(form, text.trim_start(), number);
        let loaded = load(rule.as_bytes(), "verdicts", &environment);
        cases += 1;
        if (loaded.rules.len() == 1) != verdict.ends_with('+') {
            let why: Vec<String> = loaded.diagnostics.iter().map(ToString::to_string).collect();
            wrong.push(format!("{number}: {line}\n    {}", why.join("\n    ")));
        }
    }
    assert!(wrong.is_empty(), "{} of {cases} differ:\n{}", wrong.len(), wrong.join("\n"));
}
