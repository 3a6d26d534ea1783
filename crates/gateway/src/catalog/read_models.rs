//! Reading what a record says about models: effort maps, cards, traits.

use wire::dialect::Dialect;
use wire::target::{
    EffortMap, EffortRow, MaxTokens, Member, Quirk, Replay, Structured, ToolChoices,
};
use wire::turn::Effort;

use super::glob::Glob;
use super::read::{Listing, put, source, values};
use super::record::{Card, Efforts, Prices, Record, Traits};
use crate::document::{Node, Severity, Spot, Table};

const QUIRKS: [(&str, Quirk); 7] = [
    ("think-tags", Quirk::ThinkTags),
    ("content-required", Quirk::ContentRequired),
    ("plain-refs", Quirk::PlainRefs),
    ("cumulative-reasoning", Quirk::CumulativeReasoning),
    ("no-json-object", Quirk::NoJsonObject),
    ("flat-roots", Quirk::FlatRoots),
    ("one-stop", Quirk::OneStop),
];
const REPLAYS: [(&str, Replay); 4] = [
    ("no", Replay::No),
    ("reasoning_content", Replay::ReasoningContent),
    ("reasoning", Replay::Reasoning),
    ("reasoning_details", Replay::ReasoningDetails),
];
const STRUCTURED: [(&str, Structured); 3] =
    [("none", Structured::None), ("object", Structured::Object), ("schema", Structured::Schema)];
const MAX_TOKENS: [(&str, MaxTokens); 2] =
    [("max_tokens", MaxTokens::Classic), ("max_completion_tokens", MaxTokens::Completion)];

/// In `efforts`, for a model that cannot be told.
const NO_EFFORTS: &str = "none";

/// `[efforts.NAME]`: one row for each effort that the model can be told.
pub(super) fn efforts(table: &mut Table<'_>, record: &mut Record) {
    let Some(maps) = table.table("efforts") else { return };
    for (name, node) in maps.entries() {
        let Some(mut map) = node.table() else { continue };
        let source = source(&mut map, record);
        let default = map.text("default").and_then(|word| effort(&map, &word));
        let rows = Effort::ALL.into_iter().filter_map(|asked| {
            let mut row = map.table(asked.name())?;
            let acts_as = row.text("acts_as").and_then(|word| effort(&row, &word));
            let members = row.get("send").and_then(|send| members(&send)).unwrap_or_default();
            row.finish();
            Some(EffortRow { asked, acts_as: acts_as.unwrap_or(asked), members })
        });
        match EffortMap::new(rows.collect()) {
            Ok(rows) => {
                put(&mut record.efforts, name.value, Efforts { map: rows, default, source })
            }
            Err(problem) => map.reader().error(&name, problem),
        }
        map.finish();
    }
}

/// `models`: names, or tables with facts.
pub(super) fn models(table: &mut Table<'_>, record: &mut Record, listing: Listing) {
    let Some(node) = table.get("models") else { return };
    let items = if node.is_text() { vec![node] } else { node.list().unwrap_or_default() };
    let mut cards = Vec::new();
    for item in &items {
        cards.extend(card(item, record));
    }
    if listing == Listing::Replace {
        for card in &mut record.cards {
            card.listed = false;
        }
    }
    for card in cards {
        match record.cards.iter_mut().find(|known| known.id == card.id) {
            Some(known) => *known = card,
            None => record.cards.push(card),
        }
    }
}

fn card(item: &Node<'_>, record: &Record) -> Option<Card> {
    let (id, mut table) = if item.is_text() {
        (item.text()?, None)
    } else {
        let mut table = item.table()?;
        let Some(id) = table.text("id") else {
            table.reader().error(table.place(), "a model needs an `id`");
            return None;
        };
        (id, Some(table))
    };
    if id.value.trim().is_empty() {
        item.reader().error(&id, "the model's name is empty");
        return None;
    }
    // What is already known about the name stays known.
    let known = record.card(&id.value);
    let mut card = Card {
        listed: !Glob::is_pattern(&id.value),
        name: known.filter(|card| card.id == id.value).and_then(|card| card.name.clone()),
        traits: known.map(|card| card.traits.clone()).unwrap_or_default(),
        source: known.map(|card| card.source.clone()).unwrap_or_default(),
        id: id.value,
    };
    if let Some(mut table) = table.take() {
        if let Some(name) = table.text("name") {
            card.name = Some(name.value);
        }
        if let Some(listed) = table.flag("listed") {
            card.listed = card.listed && listed.value;
        }
        let source = source(&mut table, record);
        if !source.is_empty() {
            card.source = source;
        }
        card.traits = traits(&mut table, record).over(&card.traits);
        table.finish();
    }
    Some(card)
}

/// The facts that `table` states. Where the provider speaks one dialect only, they are about that
/// one.
pub(super) fn traits(table: &mut Table<'_>, record: &Record) -> Traits {
    let stated = stated(table, record);
    let only = match record.dialects.as_slice() {
        [only] => only.dialect,
        _ => Dialect::Chat,
    };
    let all = |own: &Option<Box<Traits>>| {
        let general = Traits { messages: None, responses: None, ..stated.clone() };
        Some(Box::new(own.as_ref().map_or(general.clone(), |own| own.over(&general))))
    };
    match only {
        Dialect::Chat => stated,
        Dialect::Messages => Traits { messages: all(&stated.messages), ..stated },
        Dialect::Responses => Traits { responses: all(&stated.responses), ..stated },
    }
}

fn stated(table: &mut Table<'_>, record: &Record) -> Traits {
    let input = table.texts("input");
    Traits {
        context: table.number("context").map(|number| number.value),
        max_output: table.number("max_output").map(|number| number.value),
        images: input.as_ref().map(|kinds| images(table, kinds)),
        files: input.as_ref().map(|kinds| kinds.iter().any(|kind| kind.value == "file")),
        tool_images: flag(table, "tool_images"),
        developer_role: flag(table, "developer_role"),
        late_system: flag(table, "late_system"),
        max_tokens: table.word("max_tokens", &MAX_TOKENS).map(|word| word.value),
        structured: table.word("structured", &STRUCTURED).map(|word| word.value),
        tools: flag(table, "tools"),
        tool_choice: table.texts("tool_choice").map(|words| tool_choice(table, &words)),
        max_tools: table
            .number("max_tools")
            .map(|number| usize::try_from(number.value).unwrap_or(usize::MAX)),
        strict_tools: flag(table, "strict_tools"),
        replay: table.word("replay", &REPLAYS).map(|word| word.value),
        efforts: table.text("efforts").and_then(|name| known_efforts(table, name, record)),
        accepts: table.texts("accepts").map(values),
        always: table.get("always").and_then(|node| members(&node)),
        quirks: table.texts("quirks").map(|words| {
            words.iter().filter_map(|word| table.reader().word(word, &QUIRKS)).collect()
        }),
        custom_tools: flag(table, "custom_tools"),
        web_search: flag(table, "web_search"),
        unsigned_thinking: flag(table, "unsigned_thinking"),
        prices: table.table("prices").and_then(prices),
        messages: in_dialect(table, "messages", record),
        responses: in_dialect(table, "responses", record),
    }
}

/// `messages = { … }` or `responses = { … }`: what differs in this dialect.
fn in_dialect(table: &mut Table<'_>, key: &'static str, record: &Record) -> Option<Box<Traits>> {
    let mut inner = table.table(key)?;
    let facts = stated(&mut inner, record);
    let _ = source(&mut inner, record);
    inner.finish();
    Some(Box::new(facts))
}

fn flag(table: &mut Table<'_>, key: &'static str) -> Option<bool> {
    table.flag(key).map(|flag| flag.value)
}

fn images(table: &Table<'_>, kinds: &[Spot<String>]) -> bool {
    // Audio and video are facts too, though no dialect of ours carries them yet.
    const WORDS: [(&str, bool); 5] =
        [("text", false), ("image", true), ("file", false), ("audio", false), ("video", false)];
    kinds.iter().filter_map(|kind| table.reader().word(kind, &WORDS)).any(|image| image)
}

fn tool_choice(table: &Table<'_>, words: &[Spot<String>]) -> ToolChoices {
    const WORDS: [(&str, u8); 4] = [("auto", 0), ("none", 1), ("required", 2), ("named", 3)];
    let forms: Vec<u8> =
        words.iter().filter_map(|word| table.reader().word(word, &WORDS)).collect();
    ToolChoices {
        none: forms.contains(&1),
        required: forms.contains(&2),
        named: forms.contains(&3),
    }
}

fn known_efforts(table: &Table<'_>, name: Spot<String>, record: &Record) -> Option<String> {
    if name.value != NO_EFFORTS && record.efforts(&name.value).is_none() {
        let known: Vec<&str> = record.efforts.iter().map(|(known, _)| known.as_str()).collect();
        let hint = format!("use `{NO_EFFORTS}` or one of: {}", known.join(", "));
        let message = format!("there is no effort map `{}`", name.value);
        table.reader().report(Severity::Error, &name, message, Some(hint));
        return None;
    }
    Some(name.value)
}

fn effort(table: &Table<'_>, word: &Spot<String>) -> Option<Effort> {
    let words = Effort::ALL.map(|effort| (effort.name(), effort));
    table.reader().word(word, &words)
}

/// Request members: names and values, in the order of the file.
fn members(node: &Node<'_>) -> Option<Vec<Member>> {
    let entries = node.table()?.entries();
    let members = entries.into_iter().filter_map(|(name, value)| {
        Some(Member { name: name.value, json: value.json()?.to_string() })
    });
    Some(members.collect())
}

fn prices(mut table: Table<'_>) -> Option<Prices> {
    let mut price = |key| Some(table.get(key)?.decimal()?.value);
    let (input, cached_input, output) = (price("input"), price("cached_input"), price("output"));
    let currency = table.text("currency").map_or_else(|| "USD".to_owned(), |text| text.value);
    let prices = match (input, output) {
        (Some(input), Some(output)) => Some(Prices { currency, input, cached_input, output }),
        _ => {
            table.reader().error(table.place(), "prices need `input` and `output`");
            None
        }
    };
    table.finish();
    prices
}
