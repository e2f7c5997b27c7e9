//! Variables of the rule language: the standard ones, which public rule sets expect, and the user's.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Deserializer, Serialize};

/// A variable's value as the rule language writes it. `HTTP_PORTS = 80` and `HTTP_PORTS = "80"` are one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged, expecting = "a string (\"[10.0.0.0/8,!10.1.0.0/16]\") or a port number")]
pub enum Variable {
    /// A port.
    Number(u16),
    /// An expression of addresses or ports.
    Text(String),
}

impl fmt::Display for Variable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Number(number) => write!(f, "{number}"),
            Self::Text(text) => f.write_str(text),
        }
    }
}

/// Address variables of the stock configuration that public rule sets are written for (Suricata manual,
/// "Rule-vars"); all mean any address until the user says what is at home.
const ADDRESSES: [(&str, &str); 15] = [
    ("HOME_NET", "any"),
    ("EXTERNAL_NET", "any"),
    ("HTTP_SERVERS", "$HOME_NET"),
    ("SMTP_SERVERS", "$HOME_NET"),
    ("SQL_SERVERS", "$HOME_NET"),
    ("DNS_SERVERS", "$HOME_NET"),
    ("TELNET_SERVERS", "$HOME_NET"),
    ("AIM_SERVERS", "$EXTERNAL_NET"),
    ("DC_SERVERS", "$HOME_NET"),
    ("DNP3_SERVER", "$HOME_NET"),
    ("DNP3_CLIENT", "$HOME_NET"),
    ("MODBUS_CLIENT", "$HOME_NET"),
    ("MODBUS_SERVER", "$HOME_NET"),
    ("ENIP_CLIENT", "$HOME_NET"),
    ("ENIP_SERVER", "$HOME_NET"),
];

/// Port variables of the same configuration.
const PORTS: [(&str, &str); 11] = [
    ("HTTP_PORTS", "80"),
    ("SHELLCODE_PORTS", "!80"),
    ("ORACLE_PORTS", "1521"),
    ("SSH_PORTS", "22"),
    ("DNP3_PORTS", "20000"),
    ("MODBUS_PORTS", "502"),
    ("FILE_DATA_PORTS", "[$HTTP_PORTS,110,143]"),
    ("FTP_PORTS", "21"),
    ("GENEVE_PORTS", "6081"),
    ("VXLAN_PORTS", "4789"),
    ("TEREDO_PORTS", "3544"),
];

fn table(of: &[(&str, &str)]) -> BTreeMap<String, Variable> {
    of.iter().map(|(name, text)| ((*name).into(), Variable::Text((*text).into()))).collect()
}

/// The standard address variables.
pub(super) fn standard_addresses() -> BTreeMap<String, Variable> {
    table(&ADDRESSES)
}

/// The standard port variables.
pub(super) fn standard_ports() -> BTreeMap<String, Variable> {
    table(&PORTS)
}

/// Reads address variables; the standard ones stay where the user says nothing.
pub(super) fn over_standard_addresses<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Variable>, D::Error> {
    over(standard_addresses(), deserializer)
}

/// Reads port variables; the standard ones stay where the user says nothing.
pub(super) fn over_standard_ports<'de, D: Deserializer<'de>>(
    deserializer: D,
) -> Result<BTreeMap<String, Variable>, D::Error> {
    over(standard_ports(), deserializer)
}

fn over<'de, D: Deserializer<'de>>(
    mut standard: BTreeMap<String, Variable>,
    deserializer: D,
) -> Result<BTreeMap<String, Variable>, D::Error> {
    standard.extend(BTreeMap::<String, Variable>::deserialize(deserializer)?);
    Ok(standard)
}
