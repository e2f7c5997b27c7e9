//! The way from text to [`Config`]: file, then environment, then `--set`, then validation.

use std::path::Path;

use super::error::{ConfigError, Origin};
use super::overrides::Override;
use super::{Config, position};

/// Reads `path` (or starts from the defaults) and applies `overrides` in order.
///
/// # Errors
/// The first thing that is wrong, with its place, key and mend.
pub fn load(path: Option<&Path>, overrides: &[Override]) -> Result<Config, ConfigError> {
    let text = match path {
        Some(path) => {
            std::fs::read_to_string(path).map_err(|e| ConfigError::unreadable(path, &e))?
        }
        None => String::new(),
    };
    parse(path.unwrap_or(Path::new("")), &text, overrides)
}

fn parse(path: &Path, text: &str, overrides: &[Override]) -> Result<Config, ConfigError> {
    let mut table: toml::Table =
        toml::from_str(text).map_err(|error| of_syntax(path, text, &error))?;
    let mut config: Config = toml::from_str(text).map_err(|error| of_file(path, text, &error))?;
    for one in overrides {
        (table, config) = apply(&table, one)?;
    }
    config.validate().map_err(|invalid| {
        let origin = origin_of(&invalid.key, path, text, overrides);
        ConfigError::value(origin, invalid.key, invalid.reason)
    })?;
    Ok(config)
}

fn of_syntax(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start);
    let origin = position::origin(path, text, at);
    ConfigError::Syntax { origin, reason: error.message().to_owned() }
}

fn of_file(path: &Path, text: &str, error: &toml::de::Error) -> ConfigError {
    let at = error.span().map_or(0, |span| span.start);
    let origin = position::origin(path, text, at);
    ConfigError::of_serde(origin, &position::key_at(text, at), error.message())
}

/// Sets one key. The value is read as TOML; where that does not fit, as a string, so that
/// `--set sensor.site=7` and `--set api.listen=127.0.0.1:1` both mean what they look like.
fn apply(table: &toml::Table, one: &Override) -> Result<(toml::Table, Config), ConfigError> {
    let as_string = toml::Value::String(one.value.clone());
    let Some(value) = toml_value(&one.value) else {
        return with_value(table, one, as_string);
    };
    with_value(table, one, value)
        .or_else(|error| with_value(table, one, as_string).map_err(|_| error))
}

fn toml_value(text: &str) -> Option<toml::Value> {
    toml::from_str::<toml::Table>(&format!("value = {text}")).ok()?.remove("value")
}

fn with_value(
    table: &toml::Table,
    one: &Override,
    value: toml::Value,
) -> Result<(toml::Table, Config), ConfigError> {
    let mut table = table.clone();
    let mut section = &mut table;
    let (parents, last) = one.key.rsplit_once('.').unwrap_or(("", &one.key));
    for part in parents.split('.').filter(|part| !part.is_empty()) {
        let entry = section.entry(part).or_insert_with(|| toml::Value::Table(toml::Table::new()));
        section = entry.as_table_mut().ok_or_else(|| {
            ConfigError::value(
                one.origin.clone(),
                &one.key,
                format!("{part} is a value, not a section"),
            )
        })?;
    }
    section.insert(last.to_owned(), value);
    let config = table.clone().try_into().map_err(|error: toml::de::Error| {
        ConfigError::of_serde(one.origin.clone(), &one.key, error.message())
    })?;
    Ok((table, config))
}

/// Where the value of `key` comes from: the last override of it, else the file, else the default.
fn origin_of(key: &str, path: &Path, text: &str, overrides: &[Override]) -> Origin {
    let last = overrides.iter().rev().find(|one| one.key == key);
    let in_file = || position::offset_of(text, key).map(|at| position::origin(path, text, at));
    last.map(|one| one.origin.clone()).or_else(in_file).unwrap_or(Origin::Default)
}

#[cfg(test)]
mod tests;
