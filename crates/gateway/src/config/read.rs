//! Reading the configuration file: providers, aliases, fallbacks, and what they say of each other.

use std::sync::Arc;

use super::alias::{Alias, Fallback, Place, Settings, Verbosity};
use super::files::Files;
use super::provider::{Origin, Provider};
use super::{BUILT_IN, Diagnostic, Snapshot, sections};
use crate::catalog::{
    Catalog, Environment, GENERIC, Glob, Listing, Record, Scheme, alias_set, alias_sets, fill,
    has_variable, is_loopback, overlay,
};
use crate::document::{Node, Reader, Severity, Spot, Table, has_errors, nearest, parse};
use crate::secret::Secret;
use wire::turn::Effort;

impl Snapshot {
    pub(super) fn of(
        files: &Files,
        env: &Environment<'_>,
    ) -> Result<(Self, Vec<Diagnostic>), Vec<Diagnostic>> {
        let mut catalog = Catalog::embedded();
        let mut found = catalog.extend(&files.records, env);
        let empty = (files.home.join("config.toml"), String::new());
        let (file, text) = files.config.as_ref().unwrap_or(&empty);
        let reader = Reader::new(file, text);
        let document = parse(&reader);
        let mut snapshot = read(reader.root(&document), &catalog, env);
        drop(document);
        snapshot.file = files.config.as_ref().map(|(file, _)| file.clone());
        snapshot.home.clone_from(&files.home);
        found.extend(reader.finish());
        if has_errors(&found) { Err(found) } else { Ok((snapshot, found)) }
    }
}

fn read(mut root: Table<'_>, catalog: &Catalog, env: &Environment<'_>) -> Snapshot {
    let (server, upstream) = (sections::server(&mut root), sections::upstream(&mut root));
    let (store, log) = (sections::store(&mut root), sections::log(&mut root));
    let codex = sections::codex(&mut root);
    // Not read yet, and not a mistake either.
    let _ = root.get("auxiliary");
    let providers = providers(&mut root, catalog, env);
    let aliases = aliases(&mut root, &providers);
    let names = Names { providers: &providers, aliases: &aliases };
    let fallbacks = fallbacks(&mut root, &names);
    let default_model = default_model(&mut root, &names);
    root.finish();
    Snapshot {
        file: None,
        home: std::path::PathBuf::new(),
        server,
        upstream,
        store,
        log,
        codex,
        default_model,
        providers,
        aliases,
        fallbacks,
    }
}

// --- providers ---

fn providers(root: &mut Table<'_>, catalog: &Catalog, env: &Environment<'_>) -> Vec<Arc<Provider>> {
    let mut providers = Vec::new();
    for (name, node) in root.table("providers").iter().flat_map(Table::entries) {
        let Some(table) = node.table() else { continue };
        if name.value == BUILT_IN {
            table
                .reader()
                .error(&name, format!("`{BUILT_IN}` is the name of the built-in provider"));
        } else if name.value.is_empty() || name.value.contains(['/', '*', ' ']) {
            table.reader().error(&name, "a provider's name holds no `/`, `*` or space");
        } else if let Some(provider) = provider(name, table, catalog, env) {
            providers.push(Arc::new(provider));
        }
    }
    let found = from_environment(catalog, &providers, env);
    providers.extend(found);
    providers.push(Arc::new(Provider::built_in()));
    providers
}

/// Providers whose key stands in the environment though nobody configured them.
fn from_environment(
    catalog: &Catalog,
    configured: &[Arc<Provider>],
    env: &Environment<'_>,
) -> Vec<Arc<Provider>> {
    let taken = |record: &Record| {
        configured.iter().any(|provider| {
            provider.id == record.id || provider.preset.as_ref() == Some(&record.id)
        })
    };
    catalog
        .records()
        .iter()
        .filter(|record| !taken(record))
        .filter_map(|record| {
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

fn provider(
    name: Spot<String>,
    mut table: Table<'_>,
    catalog: &Catalog,
    env: &Environment<'_>,
) -> Option<Provider> {
    let reader = table.reader();
    let preset = table.text("preset");
    let own_address = table.has("base_url");
    let known = match &preset {
        Some(preset) => {
            let known = catalog.record(&preset.value);
            if known.is_none() {
                let near = nearest(&preset.value, catalog.ids(), 1);
                let hint = match near.first() {
                    Some(meant) => format!("did you mean `{meant}`?"),
                    None => format!("known presets: {}", catalog.ids().join(", ")),
                };
                let message = format!("there is no preset `{}`", preset.value);
                reader.report(Severity::Error, preset, message, Some(hint));
            }
            known
        }
        None => None,
    };
    let mut base = match known.or_else(|| catalog.record(GENERIC)) {
        Some(base) => Record::clone(base),
        None => return None,
    };
    if known.is_none() {
        base.name.clone_from(&name.value);
    }
    let written = table.text("api_key");
    let mut record = overlay(&mut table, base, Listing::Replace, env);
    if let Some(url) = &record.base_url
        && is_loopback(url.expose())
    {
        record.auth.optional = true;
    }
    // A preset's own variable holds a key for the preset's own address, for no other.
    let key = match &written {
        Some(written) => api_key(reader, written, &record, env),
        None if own_address || record.auth.scheme == Scheme::None => None,
        None => key_in(&record, env),
    };
    table.finish();
    if preset.is_some() && known.is_none() {
        return None;
    }
    if record.base_url.is_none() {
        if !own_address {
            let message = "`base_url` is missing";
            let hint = match catalog.record(&name.value) {
                Some(record) => format!("add `preset = \"{}\"`", record.id),
                None => "add it, like `base_url = \"http://127.0.0.1:8000/v1\"`".to_owned(),
            };
            reader.report(Severity::Error, &name, message, Some(hint));
        }
        return None;
    }
    if key.is_none() && written.is_none() && !record.auth.optional {
        no_key(reader, &name, &record);
    }
    let provider = Provider::new(
        name.value.clone(),
        known.map(|record| record.id.clone()),
        record,
        key,
        Origin::Configured,
    );
    in_clear(reader, &name, &provider);
    Some(provider)
}

fn no_key(reader: &Reader, name: &Spot<String>, record: &Record) {
    if record.auth.scheme == Scheme::None {
        return;
    }
    let variable = record.env.first().map_or("API_KEY", String::as_str);
    let mut hint = format!("set `{variable}`, or add `api_key = \"${{{variable}}}\"`");
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
    let open = |url: &url::Url| url.scheme() == "http" && !is_loopback(url);
    let mut urls = provider.dialects().filter_map(|dialect| provider.endpoint(dialect));
    if provider.key.is_some() && urls.any(|url| open(url.expose())) {
        let hint = "use `https`, or a server on this machine".to_owned();
        let message = "the key is sent over `http`, where others can read it";
        reader.report(Severity::Warning, name, message, Some(hint));
    }
}

// --- aliases ---

/// An alias as written.
struct Draft {
    name: Spot<String>,
    to: Vec<Spot<String>>,
    settings: Settings,
    /// It comes from a set that quire ships: what cannot be used is left out.
    shipped: bool,
}

fn aliases(root: &mut Table<'_>, providers: &[Arc<Provider>]) -> Vec<Alias> {
    let sets = root.texts("alias_sets").unwrap_or_default();
    let reader = root.reader();
    let mut drafts: Vec<Draft> = Vec::new();
    for (name, node) in root.table("aliases").iter().flat_map(Table::entries) {
        drafts.extend(draft(name, &node));
    }
    for set in &sets {
        drafts.extend(shipped(reader, set, &drafts));
    }
    let mut aliases: Vec<Alias> = Vec::new();
    let mut unusable: Vec<(&Spot<String>, String)> = Vec::new();
    for draft in &drafts {
        let mut trail = Vec::new();
        match expand(draft, &drafts, providers, &mut trail) {
            Ok((to, settings)) => aliases.push(Alias {
                name: draft.name.value.clone(),
                pattern: Glob::is_pattern(&draft.name.value)
                    .then(|| Glob::new(draft.name.value.as_str())),
                to: to.into_iter().map(|(place, at)| checked(reader, place, &at)).collect(),
                settings,
            }),
            Err(_) if draft.shipped => {
                let to = draft.to.first().map_or("", |to| to.value.as_str());
                unusable.push((&draft.name, format!("`{}` to `{to}`", draft.name.value)));
            }
            Err(problem) => {
                reader.report(Severity::Error, &problem.at, problem.message, problem.hint);
            }
        }
    }
    if let Some((at, _)) = unusable.first() {
        let rows: Vec<String> = unusable.iter().map(|(_, row)| row.clone()).collect();
        let message =
            format!("left out, for their provider is not configured: {}", rows.join(", "));
        let hint = "configure the provider, or give these names aliases of your own".to_owned();
        reader.report(Severity::Warning, *at, message, Some(hint));
    }
    // Patterns last, the more exact one first. The sort keeps the order of the file otherwise.
    aliases.sort_by_key(|alias| alias.pattern.as_ref().map(Glob::exactness));
    aliases
}

fn draft(name: Spot<String>, node: &Node<'_>) -> Option<Draft> {
    if name.value.trim().is_empty() {
        node.reader().error(&name, "an alias needs a name");
        return None;
    }
    if node.is_text() {
        let to = vec![node.text()?];
        return Some(Draft { name, to, settings: Settings::default(), shipped: false });
    }
    let mut table = node.table()?;
    let to = table.texts("to");
    let efforts = Effort::ALL.map(|effort| (effort.name(), effort));
    let settings = Settings {
        purpose: table.text("purpose").map(|text| text.value),
        effort: table.word("effort", &efforts).map(|word| word.value),
        fast: table.flag("fast").map(|flag| flag.value),
        verbosity: table.word("verbosity", &Verbosity::WORDS).map(|word| word.value),
        max_output_tokens: table.number("max_output_tokens").map(|number| number.value),
    };
    if to.as_ref().is_none_or(Vec::is_empty) {
        let hint = "add `to = \"provider/model\"`".to_owned();
        node.reader().report(Severity::Error, &name, "the alias leads nowhere", Some(hint));
    }
    table.finish();
    Some(Draft { name, to: to.filter(|to| !to.is_empty())?, settings, shipped: false })
}

/// The aliases of a set, without those that the user defined.
fn shipped(reader: &Reader, set: &Spot<String>, drafts: &[Draft]) -> Vec<Draft> {
    let Some(suggestions) = alias_set(&set.value) else {
        let known: Vec<&str> = alias_sets().iter().map(|(name, _)| name.as_str()).collect();
        let hint = format!("known sets: {}", known.join(", "));
        let message = format!("there is no alias set `{}`", set.value);
        reader.report(Severity::Error, set, message, Some(hint));
        return Vec::new();
    };
    suggestions
        .iter()
        .filter(|row| !drafts.iter().any(|draft| draft.name.value == row.alias))
        .map(|row| Draft {
            name: set.with(row.alias.clone()),
            to: vec![set.with(row.to.clone())],
            settings: Settings { purpose: Some(row.purpose.clone()), ..Settings::default() },
            shipped: true,
        })
        .collect()
}

/// Why a name leads nowhere.
struct Problem {
    at: Spot<()>,
    message: String,
    hint: Option<String>,
}

type Expanded = (Vec<(Place, Spot<()>)>, Settings);

/// Follows aliases to the models behind them.
fn expand<'d>(
    draft: &'d Draft,
    drafts: &'d [Draft],
    providers: &[Arc<Provider>],
    trail: &mut Vec<&'d str>,
) -> Result<Expanded, Problem> {
    trail.push(&draft.name.value);
    let mut places = Vec::new();
    let mut settings = draft.settings.clone();
    for to in &draft.to {
        let own = to.value == draft.name.value;
        let next = drafts.iter().find(|next| next.name.value == to.value).filter(|_| !own);
        if let Some(next) = next {
            if trail.contains(&next.name.value.as_str()) {
                let circle = format!("{} -> {}", trail.join(" -> "), next.name.value);
                let message = format!("the aliases lead in a circle: {circle}");
                return Err(Problem { at: to.with(()), message, hint: None });
            }
            let (behind, below) = expand(next, drafts, providers, trail)?;
            places.extend(behind.into_iter().map(|(place, _)| (place, to.with(()))));
            if draft.to.len() == 1 {
                settings = settings.over(&below);
            }
        } else {
            places.push((place(to, providers)?, to.with(())));
        }
    }
    trail.pop();
    Ok((places, settings))
}

/// The model that `provider/model` names.
fn place(to: &Spot<String>, providers: &[Arc<Provider>]) -> Result<Place, Problem> {
    let problem =
        |message: String, hint: Option<String>| Problem { at: to.with(()), message, hint };
    let Some((name, model)) = to.value.split_once('/').filter(|(_, model)| !model.is_empty())
    else {
        let listing = providers
            .iter()
            .filter(|provider| provider.origin == Origin::Configured)
            .find(|provider| provider.models().iter().any(|model| model.id == to.value));
        let hint = match listing {
            Some(provider) => format!("write `{}/{}`", provider.id, to.value),
            None => "write `provider/model`".to_owned(),
        };
        return Err(problem(format!("`{}` names no provider", to.value), Some(hint)));
    };
    match providers.iter().find(|provider| provider.id == name) {
        Some(provider) if provider.origin == Origin::Environment => Err(problem(
            format!("`{name}` is not configured; only its key was found in the environment"),
            Some(format!("add `[providers.{name}]` with `preset = \"{name}\"`")),
        )),
        Some(provider) => {
            let model = provider.model(model);
            if provider.record.models_closed && provider.misses(&model) {
                let names = provider.models().iter().map(|model| model.id.as_str());
                let hint =
                    nearest(&model.id, names, 1).first().map(|m| format!("did you mean `{m}`?"));
                return Err(problem(format!("`{name}` has no model `{}`", model.id), hint));
            }
            Ok(Place { provider: Arc::clone(provider), model })
        }
        None => {
            let known: Vec<&str> = providers
                .iter()
                .filter(|provider| provider.origin != Origin::Environment)
                .map(|provider| provider.id.as_str())
                .collect();
            let hint = match nearest(name, known.iter().copied(), 1).first() {
                Some(meant) => format!("did you mean `{meant}/{model}`?"),
                None => format!("configured providers: {}", known.join(", ")),
            };
            Err(problem(format!("there is no provider `{name}`"), Some(hint)))
        }
    }
}

/// Warns of a model that its provider does not list.
fn checked(reader: &Reader, place: Place, at: &Spot<()>) -> Place {
    if place.provider.misses(&place.model) {
        let names = place.provider.models().iter().map(|model| model.id.as_str());
        let hint =
            nearest(&place.model.id, names, 1).first().map(|m| format!("did you mean `{m}`?"));
        let message = format!("`{}` does not list `{}`", place.provider.id, place.model.id);
        reader.report(Severity::Warning, at, message, hint);
    }
    place
}

// --- fallbacks and the default ---

/// What names can mean once providers and aliases are known.
struct Names<'n> {
    providers: &'n [Arc<Provider>],
    aliases: &'n [Alias],
}

impl Names<'_> {
    fn places(&self, name: &Spot<String>) -> Result<Vec<Place>, Problem> {
        let exact = |alias: &&Alias| alias.pattern.is_none() && alias.name == name.value;
        match self.aliases.iter().find(exact) {
            Some(alias) => Ok(alias.to.clone()),
            None => place(name, self.providers).map(|place| vec![place]),
        }
    }
}

fn fallbacks(root: &mut Table<'_>, names: &Names<'_>) -> Vec<Fallback> {
    let mut fallbacks = Vec::new();
    for (pattern, node) in root.table("fallback").iter().flat_map(Table::entries) {
        let mut to = Vec::new();
        for name in node.texts().unwrap_or_default() {
            match names.places(&name) {
                Ok(places) => {
                    let at = name.with(());
                    to.extend(places.into_iter().map(|place| checked(node.reader(), place, &at)));
                }
                Err(problem) => {
                    node.reader().report(
                        Severity::Error,
                        &problem.at,
                        problem.message,
                        problem.hint,
                    );
                }
            }
        }
        fallbacks.push(Fallback { pattern: Glob::new(pattern.value), to });
    }
    fallbacks.sort_by_key(|fallback| fallback.pattern.exactness());
    fallbacks
}

fn default_model(root: &mut Table<'_>, names: &Names<'_>) -> Option<String> {
    let mut table = root.table("default")?;
    let model = table.text("model");
    let reader = table.reader();
    table.finish();
    let model = model?;
    match names.places(&model) {
        Ok(places) => {
            for place in places {
                checked(reader, place, &model.with(()));
            }
        }
        Err(problem) => reader.report(Severity::Error, &problem.at, problem.message, problem.hint),
    }
    Some(model.value)
}
