//! `docs/providers.md`.

use super::table;
use gateway::catalog::{Catalog, Confidence, Efforts, GENERIC, Model, Record, Scheme};
use std::fmt::Write as _;
use wire::target::{Replay, Structured};

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

quire speaks Chat Completions to all of them; the other addresses are noted for later. Of a name
with `*` any model may be asked that fits. In the tables of efforts each line is what a client asks
for, what the model then does, and the members that say so.

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
        line(out, "What is assumed of an endpoint without a preset (`dialect = \"chat\"`).\n");
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
        (Scheme::Usual | Scheme::Bearer, optional) => {
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
    out.push('\n');
    models(record, out);
    let named = |name: &String| {
        let of_card = |card: &gateway::catalog::Card| card.traits.efforts.as_ref() == Some(name);
        record.defaults.efforts.as_ref() == Some(name) || record.cards.iter().any(of_card)
    };
    // A record inherits maps that none of its own models has.
    for (name, efforts) in
        record.efforts.iter().filter(|(name, _)| record.id == GENERIC || named(name))
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

fn models(record: &Record, out: &mut String) {
    let cards = record.cards.iter().map(|card| {
        let hidden = !card.listed && !card.id.contains('*');
        let shown = if hidden { " (not listed)" } else { "" };
        (format!("`{}`{shown}", card.id), record.model(&card.id), card.source.clone())
    });
    // No model has an empty name, so what it gets is what is true of all that have no card.
    let other =
        (!record.models_closed).then(|| ("any other".to_owned(), record.model(""), Vec::new()));
    let rows = cards.chain(other).map(|(id, model, sources)| {
        vec![
            id,
            model.context.map_or("unknown".to_owned(), tokens),
            model.chat.max_output_tokens.map_or("unknown".to_owned(), tokens),
            takes(&model),
            abilities(&model),
            efforts_of(record, &model),
            sources.join(", "),
        ]
    });
    let head = ["Model", "Context", "Output", "Takes", "Can", "Efforts", "Sources"];
    out.push_str(&table(&head, rows));
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

fn takes(model: &Model) -> String {
    let mut takes = vec!["text"];
    takes.extend(model.chat.images.then_some("images"));
    takes.extend(model.chat.files.then_some("files"));
    takes.join(", ")
}

fn abilities(model: &Model) -> String {
    let target = &model.chat;
    let mut can = Vec::new();
    can.extend(target.tools.then_some("tools"));
    can.extend(match target.structured {
        Structured::None => None,
        Structured::Object => Some("JSON"),
        Structured::Schema => Some("JSON schemas"),
    });
    can.extend(match target.replay {
        Replay::No => None,
        Replay::ReasoningContent | Replay::Reasoning | Replay::ReasoningDetails => {
            Some("takes its reasoning back")
        }
    });
    can.join(", ")
}

/// The name of the effort map that a model has.
fn efforts_of(record: &Record, model: &Model) -> String {
    let map = &model.chat.efforts;
    let found = record.efforts.iter().find(|(_, efforts)| efforts.map == *map);
    let name = found.filter(|_| !map.rows().is_empty()).map(|(name, _)| name.as_str());
    match (name, model.default_effort) {
        (None, _) => "none".to_owned(),
        (Some(name), None) => name.to_owned(),
        (Some(name), Some(default)) => format!("{name}, unasked `{}`", default.name()),
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
