//! `docs/providers.md`.

use super::table;
use gateway::catalog::{Catalog, Confidence, Dialect, Efforts, GENERIC, Model, Record, Scheme};
use std::fmt::Write as _;
use wire::target::{Replay, Structured, Target};
use wire::turn::Effort;

const HEAD: &str = "\
# Providers

<!-- Made by `UPDATE=1 cargo test -p gateway --test docs`; edits are lost. -->

What quire knows about each provider. A record is data (`providers/*.toml`), and every fact names
its source: *observed* means that it was seen to be so, *documented* that the vendor's documentation
or source code says so, *reported* that others say so, *assumed* that nobody says so and the careful
choice was made. Your own records go to `$QUIRE_HOME/providers/*.toml`; one with the `id` of a known
record extends it.

```toml
[providers.deepseek]
preset = \"deepseek\"                # an id or synonym from below
api_key = \"${DEEPSEEK_API_KEY}\"
```

With `live_models = true` in its section a provider is asked for its own list when a client asks for
quire's (`GET /v1/models`), at most every ten minutes. What it lists comes on top: it changes nothing
that a name already means. A list of `models` in the section switches it off.

A client's own dialect is preferred where the provider speaks it; otherwise quire speaks the first of
the provider's dialects. Of a name with `*` any model may be asked that fits. In the tables of efforts
each line is what a client asks for, what the model then does, and the members that say so; efforts
called *usual* are those that every server of the dialect is told (`reasoning.effort` in Responses, a
budget for thinking in Messages).

";

pub(crate) fn document() -> String {
    let catalog = Catalog::embedded();
    let mut out = HEAD.to_owned();
    let rows = catalog.records().iter().map(|record| {
        let synonyms: Vec<String> =
            record.synonyms.iter().map(|name| format!("`{name}`")).collect();
        vec![format!("[`{0}`](#{0})", record.id), record.name.clone(), synonyms.join(", ")]
    });
    out.push_str(&table(&["Preset", "Provider", "Synonyms"], rows));
    for record in catalog.records() {
        provider(record, &mut out);
    }
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

fn line(out: &mut String, text: &str) {
    writeln!(out, "{text}").expect("a String takes every write");
}

fn provider(record: &Record, out: &mut String) {
    line(out, &format!("## {}\n\n{}\n", record.id, record.name));
    if record.id == GENERIC {
        line(
            out,
            "What is assumed of an endpoint without a preset, in the dialect that it is said to speak.\n",
        );
    }
    for endpoint in &record.dialects {
        let url = match endpoint.url(record.base_url.as_ref()) {
            Some(url) => format!("`{url}`"),
            None => "under the `base_url` of the configuration".to_owned(),
        };
        let sources = endpoint.source.join(", ");
        line(out, &format!("- {}: {url} ({sources})", endpoint.dialect.name()));
    }
    let key = match (&record.auth.scheme, record.auth.optional) {
        (Scheme::None, _) => "none".to_owned(),
        (Scheme::Usual, optional) => {
            let optional = if optional { ", optional" } else { "" };
            format!("`authorization: Bearer`, in Messages `x-api-key`{optional}")
        }
        (Scheme::Bearer, optional) => {
            format!("`authorization: Bearer`{}", if optional { ", optional" } else { "" })
        }
        (Scheme::Header(name), optional) => {
            format!("header `{name}`{}", if optional { ", optional" } else { "" })
        }
    };
    line(out, &format!("- key: {key}"));
    if !record.env.is_empty() {
        line(out, &format!("- key in the environment: `{}`", record.env.join("`, `")));
    }
    if let Some(page) = &record.key_page {
        line(out, &format!("- get a key: <{page}>"));
    }
    if record.local {
        line(out, "- runs on your own machine or network");
    }
    if record.models_closed {
        line(out, "- has no models beyond the listed ones");
    }
    if let Some(live) = &record.live_models {
        let except: Vec<String> =
            live.except.iter().map(|glob| format!("`{}`", glob.pattern())).collect();
        let except = match except.is_empty() {
            true => String::new(),
            false => format!(", except {}", except.join(", ")),
        };
        line(
            out,
            &format!(
                "- its own list of models is asked for when a client asks for quire's{except}"
            ),
        );
    }
    out.push('\n');
    models(record, out);
    for dialect in others(record) {
        otherwise(record, dialect, out);
    }
    let in_use: Vec<Model> = names(record).iter().map(|(name, _)| record.model(name)).collect();
    let named = |efforts: &Efforts| {
        in_use.iter().any(|model| {
            let mut dialects = record.dialects.iter().map(|endpoint| endpoint.dialect);
            dialects.any(|dialect| model.target(dialect).efforts == efforts.map)
        })
    };
    // A record inherits maps that none of its own models has.
    for (name, efforts) in
        record.efforts.iter().filter(|(_, efforts)| record.id == GENERIC || named(efforts))
    {
        effort_map(name, efforts, out);
    }
    let rows = record.sources.iter().map(|(name, source)| {
        let at = if source.at.starts_with("http") {
            format!("<{}>", source.at)
        } else {
            source.at.clone()
        };
        vec![name.clone(), confidence(source.confidence).to_owned(), at]
    });
    out.push_str(&table(&["Source", "Confidence", "Where"], rows));
}

/// The names to describe, each as it is shown: those with a card, and all others.
fn names(record: &Record) -> Vec<(String, String)> {
    let cards = record.cards.iter().map(|card| {
        let hidden = !card.listed && !card.id.contains('*');
        let shown = if hidden { " (not listed)" } else { "" };
        (card.id.clone(), format!("`{}`{shown}", card.id))
    });
    // No model has an empty name, so what it gets is what is true of all that have no card.
    let other = (!record.models_closed).then(|| (String::new(), "any other".to_owned()));
    cards.chain(other).collect()
}

fn preferred(record: &Record) -> Dialect {
    record.dialects.first().map_or(Dialect::Chat, |endpoint| endpoint.dialect)
}

/// The dialects beside the preferred one. Of an endpoint without a preset the user says which.
fn others(record: &Record) -> Vec<Dialect> {
    let spoken = |dialect: &Dialect| {
        let known = record.dialects.iter().any(|endpoint| endpoint.dialect == *dialect);
        *dialect != preferred(record) && (known || record.id == GENERIC)
    };
    Dialect::ALL.into_iter().filter(spoken).collect()
}

fn models(record: &Record, out: &mut String) {
    let dialect = preferred(record);
    let rows = names(record).into_iter().map(|(name, shown)| {
        let model = record.model(&name);
        let target = model.target(dialect);
        let card = record.cards.iter().find(|card| card.id == name);
        vec![
            shown,
            model.context.map_or("unknown".to_owned(), tokens),
            target.max_output_tokens.map_or("unknown".to_owned(), tokens),
            takes(target),
            abilities(target),
            efforts_of(record, target, model.default_effort),
            card.map(|card| card.source.join(", ")).unwrap_or_default(),
        ]
    });
    let head = ["Model", "Context", "Output", "Takes", "Can", "Efforts", "Sources"];
    out.push_str(&table(&head, rows));
}

/// What is different where another dialect than the preferred one is spoken: models with the same
/// facts share a line.
fn otherwise(record: &Record, dialect: Dialect, out: &mut String) {
    let mut lines: Vec<(Vec<String>, Vec<String>)> = Vec::new();
    for (name, shown) in names(record) {
        let model = record.model(&name);
        let target = model.target(dialect);
        let facts = vec![takes(target), abilities(target), efforts_of(record, target, None)];
        match lines.iter_mut().find(|(_, known)| *known == facts) {
            Some((names, _)) => names.push(shown),
            None => lines.push((vec![shown], facts)),
        }
    }
    line(out, &format!("In {}:\n", title(dialect)));
    let rows = lines.into_iter().map(|(names, facts)| {
        let mut row = vec![names.join(", ")];
        row.extend(facts);
        row
    });
    out.push_str(&table(&["Model", "Takes", "Can", "Efforts"], rows));
}

const fn title(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Chat => "Chat Completions",
        Dialect::Responses => "Responses",
        Dialect::Messages => "Messages",
    }
}

fn tokens(count: u64) -> String {
    let digits = count.to_string();
    let mut out = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            out.push(' ');
        }
        out.push(digit);
    }
    out
}

fn takes(target: &Target) -> String {
    let mut takes = vec!["text"];
    takes.extend(target.images.then_some("images"));
    takes.extend(target.files.then_some("files"));
    takes.join(", ")
}

fn abilities(target: &Target) -> String {
    let mut can = Vec::new();
    can.extend(target.tools.then_some("tools"));
    can.extend((target.tools && target.custom_tools).then_some("freeform tools"));
    can.extend(target.web_search.then_some("web search"));
    can.extend(match target.structured {
        Structured::None => None,
        Structured::Object => Some("JSON"),
        Structured::Schema => Some("JSON schemas"),
    });
    let again = target.unsigned_thinking || target.replay != Replay::No;
    can.extend(again.then_some("takes its reasoning back"));
    can.join(", ")
}

/// The name of the effort map that a model has.
fn efforts_of(record: &Record, target: &Target, default: Option<Effort>) -> String {
    let map = &target.efforts;
    if map.rows().is_empty() {
        return "none".to_owned();
    }
    let found = record.efforts.iter().find(|(_, efforts)| efforts.map == *map);
    let name = found.map_or("usual", |(name, _)| name.as_str());
    match default {
        None => name.to_owned(),
        Some(default) => format!("{name}, unasked `{}`", default.name()),
    }
}

fn effort_map(name: &str, efforts: &Efforts, out: &mut String) {
    line(out, &format!("Efforts `{name}` ({}):\n", efforts.source.join(", ")));
    // Efforts with the same outcome share a line.
    let groups =
        efforts.map.rows().chunk_by(|a, b| (a.acts_as, &a.members) == (b.acts_as, &b.members));
    let rows = groups.map(|group| {
        let asked: Vec<String> =
            group.iter().map(|row| format!("`{}`", row.asked.name())).collect();
        let members: Vec<String> = group[0]
            .members
            .iter()
            .map(|member| format!("`\"{}\": {}`", member.name, member.json))
            .collect();
        vec![
            asked.join(", "),
            format!("`{}`", group[0].acts_as.name()),
            if members.is_empty() { "nothing".to_owned() } else { members.join(", ") },
        ]
    });
    out.push_str(&table(&["Asked", "Acts as", "Sent"], rows));
}

fn confidence(confidence: Confidence) -> &'static str {
    let found = Confidence::WORDS.iter().find(|(_, known)| *known == confidence);
    found.map(|(word, _)| *word).expect("every confidence has a word")
}
