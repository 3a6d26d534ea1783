//! Reading the configuration file as a whole: its sections in the order in which they need each
//! other, then fallbacks and the default, which may name everything.

use std::path::PathBuf;

use super::alias::{Alias, Fallback, Place};
use super::files::Files;
use super::read_aliases::aliases;
use super::read_names::{Problem, checked, place};
use super::read_providers::{Providers, providers};
use super::{Diagnostic, Snapshot, sections};
use crate::catalog::{Catalog, Environment, Glob};
use crate::document::{Reader, Spot, Table, has_errors, parse};

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
        let read = document.as_ref().map(|document| read(reader.root(document), &catalog, env));
        drop(document);
        found.extend(reader.finish());
        match read {
            Some(mut snapshot) if !has_errors(&found) => {
                snapshot.file = files.config.as_ref().map(|(file, _)| file.clone());
                snapshot.home.clone_from(&files.home);
                Ok((snapshot, found))
            }
            _ => Err(found),
        }
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
        home: PathBuf::new(),
        server,
        upstream,
        store,
        log,
        codex,
        default_model,
        providers: providers.all,
        aliases,
        fallbacks,
    }
}

/// What names can mean once providers and aliases are known.
struct Names<'n> {
    providers: &'n Providers,
    aliases: &'n [Alias],
}

impl Names<'_> {
    fn places(&self, reader: &Reader, name: &Spot<String>) -> Result<Vec<Place>, Problem> {
        let exact = |alias: &&Alias| alias.pattern.is_none() && alias.name == name.value;
        if let Some(alias) = self.aliases.iter().find(exact) {
            return Ok(alias.to.clone());
        }
        Ok(vec![checked(reader, place(name, self.providers)?, &name.with(()))])
    }
}

fn fallbacks(root: &mut Table<'_>, names: &Names<'_>) -> Vec<Fallback> {
    let mut fallbacks = Vec::new();
    for (pattern, node) in root.table("fallback").iter().flat_map(Table::entries) {
        let mut to = Vec::new();
        for name in node.texts().unwrap_or_default() {
            match names.places(node.reader(), &name) {
                Ok(places) => to.extend(places),
                Err(problem) => problem.report(node.reader()),
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
    if let Err(problem) = names.places(reader, &model) {
        problem.report(reader);
    }
    Some(model.value)
}
