//! The decisions about Chat Completions requests of clients, held against what the parser makes of
//! each: a thing that has an effect changes the turn, and one that has none is noted.

use crate::chat_carrier::Carrier;
use crate::shown::shown;
use serde_json::Value;
use std::collections::BTreeSet;
use wire::chat::fates::{ROWS, TABLE};
use wire::fates::{Fate, Section};
use wire::fault::Fault;
use wire::json::Document;
use wire::note::{Code, Notes};

const CHAT: &str = include_str!("../../../../corpus/world/chat.txt");

const OPENROUTER: &str = "OpenRouter's clients send it";
const SAMPLING: &str = "local servers and OpenRouter take it, so clients send it";
const ANTHROPIC: &str = "Cursor's agent sends blocks of the Messages dialect";
const CACHE: &str = "Pi and aider mark what Anthropic's models should cache";

/// Rows about things that no source of the world lists, and who sends them.
const BEYOND: &[(Section, &str, &str)] = &[
    (Section::Field, "reasoning", OPENROUTER),
    (Section::Field, "reasoning.effort", OPENROUTER),
    (Section::Field, "reasoning.enabled", OPENROUTER),
    (Section::Field, "reasoning.exclude", OPENROUTER),
    (Section::Field, "reasoning.max_tokens", OPENROUTER),
    (Section::Field, "reasoning.summary", OPENROUTER),
    (Section::Field, "include_reasoning", OPENROUTER),
    (Section::Field, "top_k", SAMPLING),
    (Section::Field, "top_a", SAMPLING),
    (Section::Field, "min_p", SAMPLING),
    (Section::Field, "repetition_penalty", SAMPLING),
    (Section::Role, "assistant.tool_calls.index", "clients send back what a stream said"),
    (Section::Role, "assistant.annotations", "SDKs send back the message that they got"),
    (Section::Role, "assistant.reasoning", OPENROUTER),
    (Section::Role, "assistant.reasoning_text", "Pi sends it back where a server chose it"),
    (Section::Role, "assistant.reasoning_details", OPENROUTER),
    (Section::Role, "*.cache_control", CACHE),
    (Section::Part, "*.cache_control", CACHE),
    (Section::Tool, "*.cache_control", CACHE),
    (Section::Part, "video_url", OPENROUTER),
    (Section::Part, "thinking", "Mistral's clients send it, and Cursor's agent"),
    (Section::Part, "thinking.signature", ANTHROPIC),
    (Section::Part, "redacted_thinking", ANTHROPIC),
    (Section::Part, "image", ANTHROPIC),
    (Section::Part, "tool_use", ANTHROPIC),
    (Section::Part, "tool_result", ANTHROPIC),
    (Section::Part, "tool_result.is_error", ANTHROPIC),
];

/// Translated things that leave no trace in the turn, and why that is right.
const TRACELESS: &[(Section, &str, &str)] = &[
    (Section::Field, "model", "whoever routes the request reads it"),
    (Section::Field, "n", "one answer is what happens"),
    (Section::Field, "modalities", "text is what happens"),
    (Section::Field, "web_search_options.user_location.type", "always `approximate`"),
    (Section::Value, "modalities=text", "what happens unasked"),
    (Section::Value, "response_format.type=text", "what happens unasked"),
    (Section::Value, "service_tier=auto", "what happens unasked"),
    (Section::Value, "service_tier=default", "what happens unasked"),
    (Section::Value, "tool_choice=auto", "what happens unasked"),
];

/// One line of the world that the table decides, without its origins.
#[derive(Clone, Copy)]
struct Line {
    section: Section,
    path: &'static str,
}

/// The lines about requests. A word of a message, part or tool, as
/// `value role assistant.tool_calls.type=custom`, shares the fate of its member.
fn lines() -> Vec<Line> {
    let section = |kind: &str| Section::ALL.into_iter().find(|section| section.name() == kind);
    CHAT.lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| {
            let name = line.split('\t').next().unwrap_or(line);
            let (kind, path) = name.split_once(' ').expect("a line has a kind and a name");
            let (kind, path) = path.split_once(' ').unwrap_or((kind, path));
            let path = if kind == "value" { path } else { path.split('=').next().unwrap_or(path) };
            Line { section: section(kind).expect("every line is about requests"), path }
        })
        .collect()
}

fn with_beyond() -> Vec<Line> {
    let beyond = BEYOND.iter().filter(|(_, path, _)| !path.contains('*'));
    let beyond = beyond.map(|&(section, path, _)| Line { section, path });
    // Shared members, at one thing each.
    let shared = [
        Line { section: Section::Role, path: "user.cache_control" },
        Line { section: Section::Part, path: "text.cache_control" },
        Line { section: Section::Tool, path: "function.cache_control" },
    ];
    lines().into_iter().chain(beyond).chain(shared).collect()
}

fn read(request: &Value) -> (Result<Vec<String>, Fault>, Notes) {
    let document = Document::parse(request.to_string()).expect("a request is JSON");
    let mut notes = Notes::default();
    let turn = wire::chat::parse(document.root(), &mut notes).map(|turn| shown(&turn));
    (turn, notes)
}

/// The codes in `with` that are not in `without`, each as often as it happened more.
fn more(with: &Notes, without: &Notes) -> Vec<Code> {
    let before = |code, at: &str| {
        let mut same = without.list().iter().filter(|note| note.code == code && note.at == at);
        same.next().map_or(0, |note| note.count)
    };
    let more = with.list().iter().filter(|note| note.count > before(note.code, &note.at));
    more.map(|note| note.code).collect()
}

#[test]
fn every_line_of_the_world_has_a_decision() {
    let all = lines();
    assert!(all.len() > 200, "the world lost most of its lines");
    let open: Vec<_> = all
        .iter()
        .filter(|line| TABLE.find(line.section, line.path).is_none())
        .map(|line| format!("{} {}", line.section.name(), line.path))
        .collect();
    assert!(open.is_empty(), "no row decides about {open:#?}");
}

#[test]
fn every_row_is_about_something_in_the_world_and_stands_once() {
    let all = lines();
    let dead = ROWS.iter().filter(|row| {
        let listed = all.iter().any(|line| {
            line.section == row.section
                && match row.path.strip_prefix('*') {
                    Some(member) => line.path.ends_with(member),
                    None => line.path == row.path,
                }
        });
        let beyond =
            BEYOND.iter().any(|&(section, path, _)| (section, path) == (row.section, row.path));
        listed == beyond
    });
    let dead: Vec<_> = dead.map(|row| (row.section.name(), row.path)).collect();
    assert!(dead.is_empty(), "rows about nothing, or listed after all: {dead:?}");
    let unique: BTreeSet<_> = ROWS.iter().map(|row| (row.section.name(), row.path)).collect();
    assert_eq!(unique.len(), ROWS.len(), "two rows about the same thing");
    for (section, path, why) in BEYOND.iter().chain(TRACELESS) {
        assert!(!why.is_empty() && TABLE.find(*section, path).is_some(), "{path}");
    }
}

#[test]
fn what_the_table_says_is_what_happens() {
    let wrong: Vec<_> = with_beyond()
        .into_iter()
        // The tag of a thing is the thing.
        .filter(|line| line.section == Section::Field || !line.path.ends_with(".type"))
        .filter_map(|line| {
            let why = check(line.section, line.path).err()?;
            Some(format!("{} {}: {why}", line.section.name(), line.path))
        })
        .collect();
    assert!(wrong.is_empty(), "{} decisions are not kept:\n{}", wrong.len(), wrong.join("\n"));
}

fn check(section: Section, path: &str) -> Result<(), String> {
    let row = TABLE.find(section, path).ok_or("undecided")?;
    let carrier = Carrier::of(section, path);
    let kind = path.split('.').next().unwrap_or(path);
    let (done, notes) = read(&carrier.request);
    if row.fate == Fate::Refused {
        let fault = done.err().ok_or("not refused")?;
        let param = fault.param.unwrap_or_default();
        let named = row.path.split('=').next().unwrap_or(row.path);
        let told = fault.message.contains(row.how) && param.ends_with(named);
        return if told { Ok(()) } else { Err(format!("`{param}`: {}", fault.message)) };
    }
    let done = done.map_err(|fault| format!("refused: {fault}"))?;
    // The thing that the row is about, and whether this very member counts.
    let decided = match row.fate {
        Fate::Translated | Fate::Depends(_) | Fate::Refused => path.to_owned(),
        _ => row.path.replacen('*', kind, 1),
    };
    let (base, base_notes) = read(&carrier.without(section, &decided));
    let told = match base {
        Ok(_) => more(&notes, &base_notes),
        // Without it there is no request; then there must be no note at all.
        Err(_) => notes.list().iter().map(|note| note.code).collect(),
    };
    let effect = base.as_ref() != Ok(&done);
    let traceless = TRACELESS.iter().any(|&(known, at, _)| (known, at) == (section, path));
    let fits = match row.fate {
        Fate::Translated | Fate::Depends(_) => told.is_empty() && effect != traceless,
        // Whoever writes the marker notes it.
        Fate::Degraded(code) if told.is_empty() => {
            done.iter().any(|line| line.ends_with(&format!("as {}", code.name())))
        }
        Fate::Degraded(code) => told == [code] && effect,
        Fate::Ignored(code) => told == [code] && !effect,
        Fate::Refused => false,
    };
    if fits {
        return Ok(());
    }
    let told: Vec<_> = told.into_iter().map(Code::name).collect();
    Err(format!("{:?}, but notes {told:?}, effect {effect}", row.fate))
}

#[test]
fn a_member_that_nobody_knows_is_noted_wherever_it_stands() {
    let kinds = ROWS.iter().filter(|row| {
        let thing = matches!(row.section, Section::Role | Section::Part | Section::Tool);
        let read = matches!(row.fate, Fate::Translated | Fate::Depends(_));
        thing && read && !row.path.contains(['.', '*'])
    });
    let fields = [
        "",
        "reasoning",
        "tool_choice",
        "tool_choice.allowed_tools",
        "response_format",
        "response_format.json_schema",
        "stream_options",
        "web_search_options",
        "web_search_options.user_location",
        "functions",
        "function_call",
    ];
    let nested = [
        (Section::Role, "assistant.tool_calls"),
        (Section::Role, "assistant.tool_calls.function"),
        (Section::Role, "assistant.tool_calls.custom"),
        (Section::Part, "image_url.image_url"),
        (Section::Part, "file.file"),
        (Section::Tool, "function.function"),
        (Section::Tool, "custom.custom"),
        (Section::Tool, "custom.custom.format"),
        (Section::Tool, "custom.custom.format.grammar"),
    ];
    let places = kinds
        .map(|row| (row.section, row.path))
        .chain(fields.map(|path| (Section::Field, path)))
        .chain(nested);
    let mut silent = Vec::new();
    for (section, place) in places {
        let path = format!("{place}.not_yet_invented");
        let path = path.trim_start_matches('.');
        let carrier = Carrier::of(section, path);
        let (with, notes) = read(&carrier.request);
        let (without, base_notes) = read(&carrier.without(section, path));
        if with != without || with.is_err() || more(&notes, &base_notes) != [Code::UnknownField] {
            silent.push((section.name(), path.to_owned(), notes, with));
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}
