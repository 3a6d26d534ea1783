//! Reading `[aliases]` and `alias_sets`: names that lead to other models, followed to their ends.

use wire::turn::Effort;

use super::alias::{Alias, Place, Settings, Verbosity};
use super::read_names::{Problem, checked, place};
use super::read_providers::Providers;
use crate::catalog::{Glob, alias_set, alias_sets};
use crate::document::{Node, Reader, Severity, Spot, Table};

/// An alias as written.
struct Draft {
    name: Spot<String>,
    to: Vec<Spot<String>>,
    settings: Settings,
    /// It comes from a set that quire ships: what cannot be used is left out.
    shipped: bool,
}

pub(super) fn aliases(root: &mut Table<'_>, providers: &Providers) -> Vec<Alias> {
    let sets = root.texts("alias_sets").unwrap_or_default();
    let reader = root.reader();
    let mut drafts: Vec<Draft> = Vec::new();
    for (name, node) in root.table("aliases").iter().flat_map(Table::entries) {
        drafts.extend(draft(name, &node));
    }
    for set in &sets {
        drafts.extend(shipped(reader, set, &drafts));
    }
    let (mut aliases, mut unusable, mut circles) = (Vec::new(), Vec::new(), Vec::new());
    for draft in &drafts {
        match expand(draft, &drafts, providers, &mut Vec::new()) {
            Ok((to, settings)) => aliases.push(Alias {
                name: draft.name.value.clone(),
                pattern: Glob::is_pattern(&draft.name.value)
                    .then(|| Glob::new(draft.name.value.as_str())),
                to: to.into_iter().map(|(place, at)| checked(reader, place, &at)).collect(),
                settings,
            }),
            Err(_) if draft.shipped => unusable.push(draft),
            // One circle is one mistake, however many names lead into it.
            Err(Problem::Circle { names, .. }) if circles.contains(&names) => {}
            Err(problem) => {
                if let Problem::Circle { names, .. } = &problem {
                    circles.push(names.clone());
                }
                problem.report(reader);
            }
        }
    }
    left_out(reader, &unusable);
    // Patterns last, the more exact one first. The sort keeps the order of the file otherwise.
    aliases.sort_by_key(|alias| alias.pattern.as_ref().map(Glob::exactness));
    aliases
}

/// Says which aliases of a shipped set cannot be used.
fn left_out(reader: &Reader, unusable: &[&Draft]) {
    let Some(first) = unusable.first() else { return };
    let row = |draft: &&Draft| {
        let to = draft.to.first().map_or("", |to| to.value.as_str());
        format!("`{}` to `{to}`", draft.name.value)
    };
    let rows: Vec<String> = unusable.iter().map(row).collect();
    let message = format!("left out, for their provider is not configured: {}", rows.join(", "));
    let hint = "configure the provider, or give these names aliases of your own".to_owned();
    reader.report(Severity::Warning, &first.name, message, Some(hint));
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
    let limit = table.number("max_output_tokens");
    if let Some(limit) = limit.as_ref().filter(|limit| limit.value == 0) {
        let hint = "leave it out for no limit".to_owned();
        let text = "no answer fits into 0 tokens";
        node.reader().report(Severity::Error, limit, text, Some(hint));
    }
    let efforts = Effort::ALL.map(|effort| (effort.name(), effort));
    let settings = Settings {
        purpose: table.text("purpose").map(|text| text.value),
        effort: table.word("effort", &efforts).map(|word| word.value),
        fast: table.flag("fast").map(|flag| flag.value),
        verbosity: table.word("verbosity", &Verbosity::WORDS).map(|word| word.value),
        max_output_tokens: limit.map(|limit| limit.value),
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

type Expanded = (Vec<(Place, Spot<()>)>, Settings);

/// Follows aliases to the models behind them, each model once.
fn expand<'d>(
    draft: &'d Draft,
    drafts: &'d [Draft],
    providers: &Providers,
    trail: &mut Vec<&'d str>,
) -> Result<Expanded, Problem> {
    trail.push(&draft.name.value);
    let mut places: Vec<(Place, Spot<()>)> = Vec::new();
    let mut settings = draft.settings.clone();
    for to in &draft.to {
        let behind = match next(draft, to, drafts) {
            None => vec![place(to, providers)?],
            Some(next) => {
                no_circle(to, next, trail)?;
                let (behind, below) = expand(next, drafts, providers, trail)?;
                if draft.to.len() == 1 {
                    settings = settings.over(&below);
                }
                behind.into_iter().map(|(place, _)| place).collect()
            }
        };
        for place in behind {
            if !places.iter().any(|(known, _)| known.name() == place.name()) {
                places.push((place, to.with(())));
            }
        }
    }
    trail.pop();
    Ok((places, settings))
}

/// The alias that `to` names. An alias with its own name as target means the model of that name.
fn next<'d>(draft: &Draft, to: &Spot<String>, drafts: &'d [Draft]) -> Option<&'d Draft> {
    if to.value == draft.name.value {
        return None;
    }
    drafts.iter().find(|next| next.name.value == to.value)
}

fn no_circle(to: &Spot<String>, next: &Draft, trail: &[&str]) -> Result<(), Problem> {
    let Some(start) = trail.iter().position(|name| *name == next.name.value) else {
        return Ok(());
    };
    let shown = format!("{} -> {}", trail[start..].join(" -> "), next.name.value);
    let mut names: Vec<String> = trail[start..].iter().map(|name| (*name).to_owned()).collect();
    names.sort();
    Err(Problem::Circle { at: to.with(()), shown, names })
}
