//! Reading a record, from a file of its own or from a `[providers.x]` section of the configuration.
//! Both are the same fields laid over a base: another record, or the generic one.

use wire::fault::Kind;

use super::address::{self, is_loopback};
use super::glob::Glob;
use super::read_models::{efforts, models, traits};
use super::record::{
    Auth, Confidence, DIALECTS, Endpoint, ErrorRule, LiveModels, Record, Scheme, Source, Traits,
};
use super::variables::{Environment, fill};
use super::{Catalog, GENERIC, Waits};
use crate::document::{Node, Severity, Spot, Table, nearest};
use crate::secret::{SafeUrl, Secret};

/// What a section's `models` do to those of its base.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Listing {
    /// They come on top.
    Add,
    /// They are the list; the base's cards still say what its models can do.
    Replace,
}

/// The record in a file of its own. [`Waits`] if it extends one that is not there yet.
pub(super) fn record(
    mut table: Table<'_>,
    catalog: &Catalog,
    env: &Environment<'_>,
) -> Result<Option<Record>, Waits> {
    let extends = table.text("extends");
    let replace = table.flag("replace").is_some_and(|replace| replace.value);
    let Some(id) = table.text("id") else {
        table.reader().error(table.place(), "the record has no `id`");
        return Ok(None);
    };
    let known = catalog.records().iter().find(|record| record.id == id.value);
    let base = match (&extends, known) {
        (Some(wanted), _) => Record::clone(catalog.record(&wanted.value).ok_or(Waits)?),
        (None, Some(known)) if !replace => Record::clone(known),
        (None, _) => generic(catalog),
    };
    let mut record = base;
    if record.id != id.value {
        // Another provider: it takes the facts over, not the names.
        record.name.clone_from(&id.value);
        record.synonyms.clear();
    }
    record.id.clone_from(&id.value);
    if let Some(synonyms) = table.texts("synonyms") {
        record.synonyms = values(synonyms);
    }
    let record = overlay(&mut table, record, Listing::Add, env);
    if record.base_url.is_none() && record.id != GENERIC {
        table.reader().error(&id, "the record has no `base_url`");
    }
    table.finish();
    Ok(Some(record))
}

/// What holds for an endpoint about which nothing is known.
pub(super) fn generic(catalog: &Catalog) -> Record {
    match catalog.record(GENERIC) {
        Some(generic) => Record::clone(generic),
        // Only while the generic record itself is being read.
        None => Record {
            id: String::new(),
            synonyms: Vec::new(),
            name: String::new(),
            base_url: None,
            dialects: Vec::new(),
            auth: Auth { scheme: Scheme::Usual, optional: false },
            key_page: None,
            env: Vec::new(),
            headers: Vec::new(),
            models_path: None,
            live_models: None,
            models_closed: false,
            local: false,
            defaults: Traits::default(),
            cards: Vec::new(),
            efforts: Vec::new(),
            errors: Vec::new(),
            sources: Vec::new(),
        },
    }
}

/// The fields of `table` laid over `base`. The caller asks for its own keys and finishes the table.
pub fn overlay(
    table: &mut Table<'_>,
    mut base: Record,
    listing: Listing,
    env: &Environment<'_>,
) -> Record {
    sources(table, &mut base);
    if let Some(name) = table.text("name") {
        base.name = name.value;
    }
    if let Some(page) = table.text("key_page") {
        base.key_page = Some(page.value);
    }
    if let Some(names) = table.texts("env") {
        base.env = values(names);
    }
    if let Some(path) = table.text("models_path") {
        base.models_path = Some(path.value);
    }
    if listing == Listing::Replace && table.has("models") {
        // Who writes a list means this list.
        base.live_models = None;
    }
    if let Some(live) = table.get("live_models") {
        base.live_models = live_models(&live);
    }
    if let Some(closed) = table.flag("models_closed") {
        base.models_closed = closed.value;
    }
    addresses(table, &mut base, env);
    if let Some(auth) = table.get("auth") {
        read_auth(&auth, &mut base);
    }
    if let Some(headers) = table.table("headers") {
        read_headers(&headers, &mut base, env);
    }
    efforts(table, &mut base);
    if let Some(mut defaults) = table.table("defaults") {
        // Sources of defaults are checked by name only: the facts are the record's own.
        let _ = source(&mut defaults, &base);
        base.defaults = traits(&mut defaults, &base).over(&base.defaults);
        defaults.finish();
    }
    models(table, &mut base, listing);
    errors(table, &mut base);
    base
}

/// The values, without their places.
pub(super) fn values(spots: Vec<Spot<String>>) -> Vec<String> {
    spots.into_iter().map(|spot| spot.value).collect()
}

/// The `source` of a fact: names of the record's sources.
pub(super) fn source(table: &mut Table<'_>, record: &Record) -> Vec<String> {
    let named = table.texts("source").unwrap_or_default();
    for name in &named {
        if !record.sources.iter().any(|(known, _)| *known == name.value) {
            let known = record.sources.iter().map(|(known, _)| known.as_str());
            let hint =
                nearest(&name.value, known, 1).first().map(|n| format!("did you mean `{n}`?"));
            let message = format!("there is no source `{}`", name.value);
            table.reader().report(Severity::Error, name, message, hint);
        }
    }
    values(named)
}

fn sources(table: &mut Table<'_>, record: &mut Record) {
    let Some(sources) = table.table("sources") else { return };
    for (name, node) in sources.entries() {
        let Some(mut row) = node.table() else { continue };
        let at = row.text("at");
        let confidence = row.word("confidence", &Confidence::WORDS);
        if let (Some(at), Some(confidence)) = (at, confidence) {
            let source = Source { at: at.value, confidence: confidence.value };
            put(&mut record.sources, name.value, source);
        } else {
            row.reader().error(&name, "a source needs `at` and `confidence`");
        }
        row.finish();
    }
}

/// Sets the value under `name`, new or not.
pub(super) fn put<T>(list: &mut Vec<(String, T)>, name: String, value: T) {
    match list.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => *old = value,
        None => list.push((name, value)),
    }
}

/// `base_url`, `local`, `dialect` and `dialects`.
fn addresses(table: &mut Table<'_>, record: &mut Record, env: &Environment<'_>) {
    let local = table.flag("local");
    if let Some(url) = table.text("base_url").and_then(|text| url(table, &text, env)) {
        record.local = is_loopback(url.expose());
        // Another address is another server: a key for it must not go to the record's other hosts.
        record.dialects.retain(|endpoint| endpoint.base_url.is_none());
        record.base_url = Some(url);
    }
    if let Some(local) = local {
        record.local = local.value;
    }
    if let Some(dialects) = table.table("dialects") {
        let mut listed = Vec::new();
        for (name, node) in dialects.entries() {
            let dialect = table.reader().word(&name, &DIALECTS);
            let (Some(dialect), Some(mut row)) = (dialect, node.table()) else { continue };
            listed.push(Endpoint {
                dialect,
                base_url: row.text("base_url").and_then(|text| url(&row, &text, env)),
                path: row.text("path").map(|path| path.value),
                source: source(&mut row, record),
            });
            row.finish();
        }
        record.dialects = listed;
    }
    if let Some(words) = table.texts("dialect") {
        let mut chosen: Vec<Endpoint> = Vec::new();
        for word in words {
            let Some(dialect) = table.reader().word(&word, &DIALECTS) else { continue };
            let known = record.dialects.iter().find(|endpoint| endpoint.dialect == dialect);
            chosen.push(known.cloned().unwrap_or_else(|| Endpoint {
                dialect,
                base_url: None,
                path: None,
                source: Vec::new(),
            }));
        }
        record.dialects = chosen;
    }
}

fn url(table: &Table<'_>, text: &Spot<String>, env: &Environment<'_>) -> Option<SafeUrl> {
    let filled = fill(table.reader(), text, env)?;
    match address::base_url(filled.trim()) {
        Ok(url) => Some(SafeUrl::new(url)),
        Err(refusal) => {
            let hint = Some(refusal.hint.to_owned());
            table.reader().report(Severity::Error, text, refusal.message, hint);
            None
        }
    }
}

/// `auth = "bearer"`, or `{ header = "x-api-key", optional = true }`.
fn read_auth(node: &Node<'_>, record: &mut Record) {
    type Word = (&'static str, fn() -> Scheme);
    const WORDS: [Word; 3] =
        [("usual", || Scheme::Usual), ("bearer", || Scheme::Bearer), ("none", || Scheme::None)];
    if node.is_text() {
        if let Some(scheme) = node.text().and_then(|text| node.reader().word(&text, &WORDS)) {
            record.auth.scheme = scheme();
        }
        return;
    }
    let Some(mut table) = node.table() else { return };
    if let Some(scheme) = table.word("scheme", &WORDS) {
        record.auth.scheme = (scheme.value)();
    }
    if let Some(header) = table.text("header") {
        if is_header(&header.value) {
            record.auth.scheme = Scheme::Header(header.value.to_ascii_lowercase());
        } else {
            table.reader().error(&header, "not a header name");
        }
    }
    if let Some(optional) = table.flag("optional") {
        record.auth.optional = optional.value;
    }
    let _ = source(&mut table, record);
    table.finish();
}

fn read_headers(table: &Table<'_>, record: &mut Record, env: &Environment<'_>) {
    for (name, node) in table.entries() {
        let Some(text) = node.text() else { continue };
        if !is_header(&name.value) {
            table.reader().error(&name, "not a header name");
            continue;
        }
        let Some(value) = fill(table.reader(), &text, env) else { continue };
        if value.chars().any(|c| c.is_control()) {
            table.reader().error(&text, "a header's value holds no control characters");
            continue;
        }
        put(&mut record.headers, name.value.to_ascii_lowercase(), Secret::new(value));
    }
}

fn is_header(name: &str) -> bool {
    !name.is_empty()
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

/// `live_models = true`, or `{ except = ["*embed*"] }`.
fn live_models(node: &Node<'_>) -> Option<LiveModels> {
    if !node.is_table() {
        return node.flag().filter(|flag| flag.value).map(|_| LiveModels::default());
    }
    let mut table = node.table()?;
    let except = values(table.texts("except").unwrap_or_default());
    table.finish();
    Some(LiveModels { except: except.into_iter().map(Glob::new).collect() })
}

fn errors(table: &mut Table<'_>, record: &mut Record) {
    let Some(rows) = table.get("errors").and_then(|node| node.list()) else { return };
    let mut rules = Vec::new();
    for mut row in rows.iter().filter_map(Node::table) {
        let status = row.number("status").map(|status| status.with(u16::try_from(status.value)));
        let code = row.text("code").map(|code| code.value);
        let contains = row.text("contains").map(|part| part.value.to_lowercase());
        let kind = row.text("kind");
        let reset = row.text("reset").map(|reset| reset.value);
        let source = source(&mut row, record);
        let status = match status {
            Some(Spot { value: Ok(status @ 100..600), .. }) => Some(status),
            Some(wrong) => {
                row.reader().error(&wrong, "not an HTTP status");
                None
            }
            None => None,
        };
        if status.is_none() && code.is_none() && contains.is_none() {
            row.reader().error(row.place(), "a rule needs `status`, `code` or `contains`");
        }
        match kind.map(|kind| (Kind::from_name(&kind.value), kind)) {
            Some((Some(kind), _)) => {
                rules.push(ErrorRule { status, code, contains, kind, reset, source });
            }
            Some((None, kind)) => {
                let names = Kind::ALL.map(Kind::name);
                let hint = format!("use one of {}", names.join(", "));
                let message = format!("no fault is called `{}`", kind.value);
                row.reader().report(Severity::Error, &kind, message, Some(hint));
            }
            None => row.reader().error(row.place(), "a rule needs a `kind`"),
        }
        row.finish();
    }
    // The section's rules come first, so that they win.
    rules.append(&mut record.errors);
    record.errors = rules;
}
