//! Resolution: cases as Suricata 7.0.10 has them, and set algebra against a naive model.

use std::net::{IpAddr, Ipv4Addr};

use proptest::prelude::*;

use super::{Environment, Resolver};

fn environment() -> Environment {
    let groups = |pairs: &[(&str, &str)]| {
        pairs.iter().map(|&(name, value)| (name.to_owned(), value.to_owned())).collect()
    };
    Environment {
        address_groups: groups(&[
            ("ANY", "any"),
            ("NET", "1.2.3.0/24"),
            ("HOST", "1.2.3.4"),
            ("NOT_NET", "!$NET"),
            ("REST", "[$NET,!$HOST]"),
            ("NOT_ANY", "!$ANY"),
            ("SELF", "[1.1.1.1,$OTHER]"),
            ("OTHER", "$SELF"),
            ("BAD", "[1.2.3.4,nonsense]"),
        ]),
        port_groups: groups(&[("WEB", "[80:90,!85]"), ("NOT_WEB", "!$WEB")]),
        ..Environment::default()
    }
}

fn addresses(text: &str) -> Result<String, String> {
    let environment = environment();
    let resolved = Resolver::new(&environment).addresses(text).map_err(|error| error.message)?;
    let v4 = resolved.set.v4.iter().map(|range| format!("{}-{}", range.start(), range.end()));
    let v6 = resolved.set.v6.iter().map(|range| format!("{}-{}", range.start(), range.end()));
    let mut words: Vec<String> = v4.chain(v6).collect();
    words.extend(resolved.negated.then(|| "negated".to_owned()));
    Ok(words.join(" "))
}

fn ports(text: &str) -> Result<String, String> {
    let environment = environment();
    let set = Resolver::new(&environment).ports(text).map_err(|error| error.message)?;
    let words: Vec<String> =
        set.0.iter().map(|range| format!("{}:{}", range.start(), range.end())).collect();
    Ok(words.join(" "))
}

#[test]
fn address_expressions() {
    let all = "0.0.0.0-255.255.255.255 ::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff";
    let cases = [
        ("any", all),
        ("$ANY", all),
        ("1.2.3.4", "1.2.3.4-1.2.3.4"),
        ("1.2.3.4/24", "1.2.3.0-1.2.3.255"),
        ("1.2.3.4/0", "0.0.0.0-255.255.255.255"),
        ("1.2.3.4/255.255.255.254", "1.2.3.4-1.2.3.5"),
        ("1.2.3.4-1.2.3.9", "1.2.3.4-1.2.3.9"),
        ("2001:db8::/32", "2001:db8::-2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"),
        ("::1-::5", "::1-::5"),
        ("[1.2.3.4,1.2.3.5]", "1.2.3.4-1.2.3.5"),
        ("!1.2.3.4", "0.0.0.0-1.2.3.3 1.2.3.5-255.255.255.255 negated"),
        ("[1.2.3.0/30,!1.2.3.1]", "1.2.3.0-1.2.3.0 1.2.3.2-1.2.3.3 negated"),
        ("[[1.2.3.0/30,!1.2.3.1],1.2.3.1]", "1.2.3.0-1.2.3.0 1.2.3.2-1.2.3.3 negated"),
        ("[1.2.3.0/30,![1.2.3.1,1.2.3.2]]", "1.2.3.0-1.2.3.0 1.2.3.3-1.2.3.3 negated"),
        ("![!1.2.3.4]", "1.2.3.4-1.2.3.4 negated"),
        ("[::1,!0.0.0.0/1]", "128.0.0.0-255.255.255.255 ::1-::1 negated"),
        ("[10.0.0.0/8,!10.0.0.0/8,::1]", "::1-::1 negated"),
        ("$REST", "1.2.3.0-1.2.3.3 1.2.3.5-1.2.3.255 negated"),
        ("$NOT_NET", "0.0.0.0-1.2.2.255 1.2.4.0-255.255.255.255 negated"),
        ("!$NOT_NET", "1.2.3.0-1.2.3.255 negated"),
    ];
    for (text, expected) in cases {
        assert_eq!(addresses(text).as_deref(), Ok(expected), "{text}");
    }
}

#[test]
fn address_expressions_that_are_refused() {
    let cases = [
        ("!any", "negated"),
        ("!$ANY", "negated"),
        ("$NOT_ANY", "negated"),
        ("[::1,!0.0.0.0/0]", "negated"),
        ("!::/0", "no address is left"),
        ("[]", "no address is left"),
        ("[1.2.3.4,!1.2.3.4]", "no address is left"),
        ("[1.2.3.0/24,!1.2.3.0/25,!1.2.3.128/25]", "no address is left"),
        ("1.2.3", "not an address"),
        ("01.2.3.4", "not an address"),
        ("$", "not defined"),
        ("$any", "not defined"),
        ("$SELF", "defined by itself"),
        ("$BAD", "in `$BAD`: `nonsense` is not an address"),
        ("1.2.3.4/33", "not a prefix length"),
        ("1.2.3.4/+3", "not a prefix length"),
        ("1.2.3.4/255.0.255.0", "not a prefix length"),
        ("::1/255.0.0.0", "not a prefix length"),
        ("1.2.3.9-1.2.3.4", "not a range"),
        ("1.2.3.4-::1", "not a range"),
    ];
    for (text, message) in cases {
        let error = addresses(text).unwrap_err();
        assert!(error.contains(message), "{text}: {error}");
    }
}

#[test]
fn port_expressions() {
    let cases = [
        ("any", Ok("0:65535")),
        (":", Ok("0:65535")),
        ("80", Ok("80:80")),
        ("080", Ok("80:80")),
        (":1024", Ok("0:1024")),
        ("1024:", Ok("1024:65535")),
        ("[80, 81,]", Ok("80:81")),
        ("!80", Ok("0:79 81:65535")),
        ("![80,81]", Ok("0:79 82:65535")),
        ("[!85,80:90]", Ok("80:84 86:90")),
        ("$WEB", Ok("80:84 86:90")),
        ("$NOT_WEB", Ok("0:79 85:85 91:65535")),
        ("[!0:1023,!65535]", Ok("1024:65534")),
        ("!:", Err("every port is negated")),
        ("[!0:1023,!1024:65535]", Err("every port is negated")),
        ("[80,!80]", Err("no port is left")),
        ("[$WEB,!80:90]", Err("no port is left")),
        ("65536", Err("`65536` is not a port")),
        ("+5", Err("`+5` is not a port")),
        ("80-90", Err("`80-90` is not a port")),
        ("90:80", Err("`90:80` is not a range from lower to higher")),
        ("$NET", Err("the port variable `$NET` is not defined")),
    ];
    for (text, expected) in cases {
        let got = ports(text);
        assert_eq!(got.as_deref().map_err(String::as_str), expected, "{text}");
    }
}

#[test]
fn variables_nest_to_a_bound() {
    let mut environment = Environment::default();
    environment.address_groups.insert("V0".into(), "1.1.1.1".into());
    for i in 1..40 {
        let previous = i - 1;
        // Doubling at each level: without memory this would take 2^40 steps.
        environment.address_groups.insert(format!("V{i}"), format!("[$V{previous},$V{previous}]"));
    }
    let mut resolver = Resolver::new(&environment);
    assert!(resolver.addresses("$V31").is_ok());
    let mut resolver = Resolver::new(&environment);
    assert!(resolver.addresses("$V39").unwrap_err().message.contains("nested deeper"));
}

/// An expression over the last byte of 10.0.0.0/24, and the model's answer for it.
#[derive(Clone, Debug)]
enum Model {
    Leaf(u8, u8),
    List(Vec<(bool, Model)>),
}

impl Model {
    fn text(&self) -> String {
        match self {
            Self::Leaf(low, high) => format!("10.0.0.{low}-10.0.0.{high}"),
            Self::List(items) => {
                let text = |(negated, item): &(bool, Self)| {
                    format!("{}{}", if *negated { "!" } else { "" }, item.text())
                };
                format!("[{}]", items.iter().map(text).collect::<Vec<_>>().join(","))
            }
        }
    }

    /// Whether `n` is named by an item that is not (or that is) negated, plain lists flattened.
    fn named(&self, n: u8, negated: bool) -> bool {
        match self {
            Self::Leaf(low, high) => !negated && (*low..=*high).contains(&n),
            Self::List(items) => items.iter().any(|(not, item)| match (not, negated) {
                (true, true) => item.contains(n),
                (true, false) => false,
                (false, _) => item.named(n, negated),
            }),
        }
    }

    fn has(&self, negated: bool) -> bool {
        (0..=255).any(|n| self.named(n, negated))
    }

    fn contains(&self, n: u8) -> bool {
        (self.named(n, false) || !self.has(false)) && !self.named(n, true)
    }
}

fn model() -> impl Strategy<Value = Model> {
    let leaf = (any::<u8>(), any::<u8>()).prop_map(|(a, b)| Model::Leaf(a.min(b), a.max(b)));
    leaf.prop_recursive(3, 12, 4, |inner| {
        prop::collection::vec((prop::bool::weighted(0.4), inner), 1..4).prop_map(Model::List)
    })
}

proptest! {
    #[test]
    fn addresses_agree_with_the_model(model in model()) {
        let environment = Environment::default();
        let text = model.text();
        if let Ok(resolved) = Resolver::new(&environment).addresses(&text) {
            for n in 0..=255 {
                let address = IpAddr::V4(Ipv4Addr::new(10, 0, 0, n));
                prop_assert_eq!(resolved.set.contains(address), model.contains(n), "{} {}", text, n);
            }
        }
    }

    #[test]
    fn expressions_never_panic(text in "[!\\[\\],$a-z0-9.:/ -]{0,24}") {
        let environment = environment();
        let mut resolver = Resolver::new(&environment);
        let _ = resolver.addresses(&text);
        let _ = resolver.ports(&text);
    }
}
