//! Reading `[providers]`: each section laid over its preset, with its key; and the providers whose
//! key stands in the environment.

use std::sync::Arc;

use url::Url;

use super::BUILT_IN;
use super::provider::{Origin, Provider};
use crate::catalog::{
    Catalog, Environment, GENERIC, Listing, Record, Scheme, fill, has_variable, is_loopback,
    overlay,
};
use crate::document::{Reader, Severity, Spot, Table, nearest};
use crate::secret::Secret;

/// What `[providers]` says.
pub(super) struct Providers {
    pub all: Vec<Arc<Provider>>,
    /// Names of sections with mistakes. What refers to them is not a mistake of its own.
    pub broken: Vec<String>,
}

pub(super) fn providers(
    root: &mut Table<'_>,
    catalog: &Catalog,
    env: &Environment<'_>,
) -> Providers {
    let (mut all, mut broken) = (Vec::new(), Vec::new());
    for (name, node) in root.table("providers").iter().flat_map(Table::entries) {
        let provider = match node.table() {
            Some(table) if is_name(&name, table.reader()) => section(&name, table, catalog, env),
            _ => None,
        };
        match provider {
            Some(provider) => all.push(Arc::new(provider)),
            None => broken.push(name.value),
        }
    }
    let found = from_environment(catalog, &all, &broken, env);
    all.extend(found);
    all.push(Arc::new(Provider::built_in()));
    Providers { all, broken }
}

fn is_name(name: &Spot<String>, reader: &Reader) -> bool {
    if name.value == BUILT_IN {
        reader.error(name, format!("`{BUILT_IN}` is the name of the built-in provider"));
    } else if name.value.is_empty() || name.value.contains(['/', '*', ' ']) {
        reader.error(name, "a provider's name holds no `/`, `*` or space");
    } else {
        return true;
    }
    false
}

/// Providers whose key stands in the environment though nobody configured them.
fn from_environment(
    catalog: &Catalog,
    configured: &[Arc<Provider>],
    broken: &[String],
    env: &Environment<'_>,
) -> Vec<Arc<Provider>> {
    let taken = |record: &Record| {
        broken.contains(&record.id)
            || configured.iter().any(|provider| {
                provider.id == record.id || provider.preset.as_ref() == Some(&record.id)
            })
    };
    let free = catalog.records().iter().filter(|record| !taken(record));
    free.filter_map(|record| {
        let key = Some(key_in(record, env)?);
        let (id, record) = (record.id.clone(), Record::clone(record));
        Some(Arc::new(Provider::new(id.clone(), Some(id), record, key, Origin::Environment)))
    })
    .collect()
}

fn key_in(record: &Record, env: &Environment<'_>) -> Option<Secret> {
    let keys = record.env.iter().filter_map(|name| env(name));
    keys.map(|key| key.trim().to_owned()).find(|key| !key.is_empty()).map(Secret::new)
}

/// One `[providers.x]`.
fn section(
    name: &Spot<String>,
    mut table: Table<'_>,
    catalog: &Catalog,
    env: &Environment<'_>,
) -> Option<Provider> {
    let reader = table.reader();
    let preset = table.text("preset").map(|preset| known_preset(reader, &preset, catalog));
    let base = match &preset {
        Some(preset) => Record::clone(preset.as_ref()?),
        None => Record { name: name.value.clone(), ..Record::clone(catalog.record(GENERIC)?) },
    };
    let own_address = table.has("base_url");
    let written = table.text("api_key");
    let mut record = overlay(&mut table, base, Listing::Replace, env);
    table.finish();
    let Some(base_url) = &record.base_url else {
        if !own_address {
            no_address(reader, name, catalog);
        }
        return None;
    };
    // What runs on this machine, or stands in for the real server in a test, may do without a key.
    record.auth.optional |= is_loopback(base_url.expose()) || record.auth.scheme == Scheme::None;
    let key = match &written {
        Some(written) => api_key(reader, written, &record, env),
        // A preset's own variable holds a key for the preset's own address, for no other.
        None if own_address || record.auth.scheme == Scheme::None => None,
        None => key_in(&record, env),
    };
    if key.is_none() && written.is_none() && !record.auth.optional {
        no_key(reader, name, &record, own_address);
    }
    let preset = preset.flatten().map(|record| record.id.clone());
    let provider = Provider::new(name.value.clone(), preset, record, key, Origin::Configured);
    in_clear(reader, name, &provider);
    Some(provider)
}

fn known_preset<'c>(
    reader: &Reader,
    preset: &Spot<String>,
    catalog: &'c Catalog,
) -> Option<&'c Arc<Record>> {
    let known = catalog.record(&preset.value);
    if known.is_none() {
        let hint = match nearest(&preset.value, catalog.ids(), 1).first() {
            Some(meant) => format!("did you mean `{meant}`?"),
            None => format!("known presets: {}", catalog.ids().join(", ")),
        };
        let message = format!("there is no preset `{}`", preset.value);
        reader.report(Severity::Error, preset, message, Some(hint));
    }
    known
}

fn no_address(reader: &Reader, name: &Spot<String>, catalog: &Catalog) {
    let hint = match catalog.record(&name.value) {
        Some(record) => format!("add `preset = \"{}\"`", record.id),
        None => "add it, like `base_url = \"http://127.0.0.1:8000/v1\"`".to_owned(),
    };
    reader.report(Severity::Error, name, "`base_url` is missing", Some(hint));
}

fn no_key(reader: &Reader, name: &Spot<String>, record: &Record, own_address: bool) {
    let variable = record.env.first().map_or("API_KEY", String::as_str);
    let mut hint = format!("add `api_key = \"${{{variable}}}\"`");
    if !own_address && !record.env.is_empty() {
        hint = format!("set `{variable}`, or {hint}");
    }
    if let Some(page) = &record.key_page {
        hint.push_str(&format!("; keys are made at {page}"));
    }
    reader.report(Severity::Error, name, "there is no key for this provider", Some(hint));
}

/// The key that `written` stands for.
fn api_key(
    reader: &Reader,
    written: &Spot<String>,
    record: &Record,
    env: &Environment<'_>,
) -> Option<Secret> {
    if written.value.starts_with("keyring:") || written.value.starts_with("store:") {
        let message = "keys in the keyring or the store cannot be used yet";
        let hint = "take it from the environment, as in `api_key = \"${MY_KEY}\"`".to_owned();
        reader.report(Severity::Error, written, message, Some(hint));
        return None;
    }
    let key = Secret::new(fill(reader, written, env)?.trim());
    if key.is_empty() {
        if !record.auth.optional {
            let hint = "write the key, or a variable like `${MY_KEY}`".to_owned();
            reader.report(Severity::Error, written, "the key is empty", Some(hint));
        }
        return None;
    }
    if key.expose().chars().any(|c| c.is_control() || c.is_whitespace()) {
        reader.error(written, "a key holds no spaces or control characters");
        return None;
    }
    if !has_variable(&written.value) {
        let hint = "keep it in the environment and write `${MY_KEY}` here".to_owned();
        let message = "the key stands in clear in this file";
        reader.report(Severity::Warning, written, message, Some(hint));
    }
    Some(key)
}

/// A key that would cross a network unprotected.
fn in_clear(reader: &Reader, name: &Spot<String>, provider: &Provider) {
    let open = |url: &Url| url.scheme() == "http" && !is_loopback(url);
    let mut urls = provider.dialects().filter_map(|dialect| provider.endpoint(dialect));
    if provider.key.is_some() && urls.any(|url| open(url.expose())) {
        let hint = "use `https`, or a server on this machine".to_owned();
        let message = "the key is sent over `http`, where others can read it";
        reader.report(Severity::Warning, name, message, Some(hint));
    }
}
