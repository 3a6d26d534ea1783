//! The decisions about Messages requests.

use crate::messages_carrier::{Carrier, plain};
use crate::surroundings::{self, Surroundings};
use serde_json::Value;
use std::collections::BTreeSet;
use wire::fates::{Fate, Section};
use wire::fault::Fault;
use wire::json::Tape;
use wire::messages::fates::{ROWS, TABLE};
use wire::note::{Code, Notes};
use wire::turn::Summary;

const MESSAGES: &str = include_str!("../../../../corpus/world/messages.txt");

/// Rows about things that no source of the world lists, and who sends them.
const BEYOND: &[(Section, &str, &str)] = &[
    (Section::Field, "temperature", "SDKs before 2.11 have it"),
    (Section::Field, "top_p", "SDKs before 2.11 have it"),
    (Section::Field, "top_k", "SDKs before 2.11 have it"),
    (Section::Field, "output_format", "the SDK's own helpers and earlier betas have it"),
    (Section::Field, "betas", "a header in SDKs, which some clients send as a member"),
];

/// Translated things that leave no trace in the upstream's request, and why that is right.
const TRACELESS: &[(Section, &str, &str)] = &[
    (Section::Field, "model", "whoever routes the request reads it"),
    (Section::Field, "metadata", "an object whose members are decided one by one"),
    (Section::Field, "output_config", "an object whose members are decided one by one"),
    (Section::Field, "service_tier", "what happens unasked"),
    (Section::Value, "service_tier=auto", "what happens unasked"),
    (Section::Value, "service_tier=standard_only", "what happens unasked"),
    (Section::Value, "speed=standard", "what happens unasked"),
    (Section::Value, "thinking.display=summarized", "what happens unasked"),
    (Section::Value, "thinking.display=updates", "what happens unasked"),
    (Section::Value, "tool_choice.type=auto", "what happens unasked"),
    (Section::Role, "system.output_config", "an object whose members are decided one by one"),
    (Section::Tool, "custom.eager_input_streaming", "what happens unasked"),
    (Section::Schema, "type", "a missing one is added to the root"),
];

/// Rows whose loss is told for the thing as a whole: without them it would be lost just the same.
const TOLD_FOR_THE_WHOLE: &[(Section, &str)] = &[
    (Section::Block, "document.source.file_id"),
    (Section::Block, "document.source.url"),
    (Section::Block, "image.source.file_id"),
    (Section::Block, "tool_addition.tool.server_name"),
    (Section::Block, "tool_removal.tool.server_name"),
];

/// What only the servers of another dialect than Chat Completions can do.
const ELSEWHERE: &[(Section, &str)] = &[
    (Section::Block, "document.source.url"),
    (Section::Tool, "web_search_20250305"),
    (Section::Tool, "web_search_20260209"),
    (Section::Tool, "web_search_20260318"),
];

/// The lines about requests. Words of things below a block or tool share that thing's fate.
fn lines() -> Vec<(Section, &'static str)> {
    MESSAGES
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let name = line.split('\t').next().unwrap_or(line);
            let (kind, path) = name.split_once(' ').expect("a line has a kind and a name");
            let section = Section::ALL.into_iter().find(|section| section.name() == kind)?;
            (section != Section::Value || !path.contains(' ')).then_some((section, path))
        })
        .collect()
}

/// A target that understands nothing more than text and functions, but for what is needed to see
/// the fate of `path`.
fn bare(path: &str) -> Surroundings {
    let mut at = surroundings::bare(path);
    if matches!(path, "thinking.budget_tokens" | "thinking.type=enabled") {
        at.target.efforts = surroundings::rich().target.efforts;
    }
    at
}

/// A target that understands everything.
fn rich() -> Surroundings {
    let mut at = surroundings::rich();
    at.target.accepts.push("top_k".to_owned());
    at
}

/// What came of one request.
#[derive(Debug, PartialEq)]
struct Done {
    body: Value,
    seal_reasoning: bool,
    summary: Summary,
}

fn translate(request: &Value, at: &Surroundings) -> (Result<Done, Fault>, Notes) {
    let mut notes = Notes::default();
    let text = request.to_string();
    let mut tape = Tape::default();
    let done =
        wire::messages::parse(tape.read(&text).expect("JSON"), &mut notes).and_then(|turn| {
            let rendered =
                wire::chat::render(&turn, &at.target, &at.vault, String::new(), &mut notes)?;
            Ok(Done {
                body: serde_json::from_str(&rendered.body).expect("quire writes JSON"),
                seal_reasoning: turn.settings.seal_reasoning,
                summary: turn.settings.summary,
            })
        });
    (done, notes)
}

/// What Chat Completions servers are sent for all carriers.
pub(crate) fn bodies(at: &Surroundings) -> Vec<Value> {
    let carried = ROWS.iter().filter(|row| !row.path.contains('*'));
    let request = |row: &wire::fates::Row| Carrier::of(row.section, row.path).request;
    carried.filter_map(|row| Some(translate(&request(row), at).0.ok()?.body)).collect()
}

/// The codes in `with` that are not in `without`, each as often as it happened more.
fn more(with: &Notes, without: &Notes) -> Vec<Code> {
    let before = |code, at: &str| {
        let same = without.list().iter().find(|note| note.code == code && note.at == at);
        same.map_or(0, |note| note.count)
    };
    let more = with.list().iter().filter(|note| note.count > before(note.code, &note.at));
    more.map(|note| note.code).collect()
}

#[test]
fn every_line_of_the_messages_world_has_a_decision() {
    let all = lines();
    assert!(all.len() > 1000, "the world lost most of its lines");
    let open: Vec<_> = all
        .iter()
        .filter(|(section, path)| TABLE.find(*section, path).is_none())
        .map(|(section, path)| format!("{} {path}", section.name()))
        .collect();
    assert!(open.is_empty(), "no row decides about {open:#?}");
}

#[test]
fn every_messages_row_is_about_something_in_the_world_and_stands_once() {
    let all = lines();
    let dead = ROWS.iter().filter(|row| {
        let listed = all.iter().any(|(section, path)| {
            *section == row.section
                && match row.path.strip_prefix('*') {
                    Some(member) => path.ends_with(member),
                    None => *path == row.path,
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
fn what_the_messages_table_says_is_what_happens() {
    let beyond = BEYOND.iter().map(|&(section, path, _)| (section, path));
    let wrong: Vec<_> = lines()
        .into_iter()
        .chain(beyond)
        // The tag of a thing is the thing.
        .filter(|(section, path)| *section == Section::Field || !path.ends_with(".type"))
        .filter_map(|(section, path)| {
            let why = check(section, path).err()?;
            Some(format!("{} {path}: {why}", section.name()))
        })
        .collect();
    assert!(wrong.is_empty(), "{} decisions are not kept:\n{}", wrong.len(), wrong.join("\n"));
}

fn check(section: Section, path: &str) -> Result<(), String> {
    let row = TABLE.find(section, path).ok_or("undecided")?;
    let carrier = Carrier::of(section, path);
    let kind = path.split('.').next().unwrap_or(path);
    let whole = TOLD_FOR_THE_WHOLE.contains(&(row.section, row.path));
    // What is taken away to see the fate, and what to see whether this very member has an effect.
    let (decided, own) = match (section, row.section, row.fate) {
        (Section::Value, Section::Field, _) => (row.path.to_owned(), row.path),
        (Section::Value, ..) => {
            let top = path.split(['=', '.']).next().unwrap_or(path);
            (top.to_owned(), top)
        }
        _ if whole => (kind.to_owned(), path),
        (.., Fate::Translated | Fate::Refused) => (path.to_owned(), path),
        _ => (row.path.replacen('*', kind, 1), path),
    };
    let taken = if section == Section::Value { Section::Field } else { section };
    let traceless = TRACELESS.iter().any(|&(known, at, _)| (known, at) == (section, path));
    let elsewhere =
        ELSEWHERE.contains(&(section, row.path)) || ELSEWHERE.contains(&(section, kind));
    for (name, at) in [("bare", bare(path)), ("rich", rich())] {
        let (done, notes) = translate(&carrier.request, &at);
        if row.fate == Fate::Refused {
            let param = done.err().ok_or("not refused")?.param.unwrap_or_default();
            if param != row.path {
                return Err(format!("refused for `{param}`"));
            }
            continue;
        }
        let done = done.map_err(|fault| format!("{name}: refused: {fault}"))?;
        if name == "rich" && elsewhere {
            continue;
        }
        let (base, base_notes) = match translate(&carrier.without(taken, &decided), &at) {
            (Ok(base), notes) => (Some(base), notes),
            // It cannot be without the member, so the whole thing is taken away.
            (Err(_), _) => {
                let things = matches!(section, Section::Role | Section::Block | Section::Tool);
                let rest = if things { carrier.without(section, kind) } else { plain() };
                (None, translate(&rest, &at).1)
            }
        };
        let told = more(&notes, &base_notes);
        let any = base.as_ref() != Some(&done);
        let effect = whole || translate(&carrier.without(taken, own), &at).0.as_ref() != Ok(&done);
        let fits = match row.fate {
            Fate::Translated => told.is_empty() && (name == "bare" || effect != traceless),
            Fate::Depends(codes) if name == "bare" => {
                matches!(told[..], [code] if codes.contains(&code))
            }
            Fate::Depends(_) => told.is_empty() && effect != traceless,
            Fate::Degraded(code) => told == [code] && any,
            Fate::Ignored(code) => told == [code] && !any,
            Fate::Refused => false,
        };
        if !fits {
            let told: Vec<_> = told.into_iter().map(Code::name).collect();
            return Err(format!(
                "{name}: {:?}, but notes {told:?}, any effect {any}, its own {effect}",
                row.fate
            ));
        }
    }
    Ok(())
}

#[test]
fn a_member_that_nobody_knows_is_noted_wherever_it_stands_in_messages() {
    let whole = |fate| matches!(fate, Fate::Ignored(_) | Fate::Refused);
    let kinds = ROWS.iter().filter(|row| {
        let thing = matches!(row.section, Section::Role | Section::Block | Section::Tool);
        thing
            && !row.path.contains(['.', '*'])
            && !whole(row.fate)
            && row.fate != Fate::Degraded(Code::PartDropped)
            // These go as they are, with all their members.
            && row.how != "its JSON as text"
    });
    let objects = ["thinking", "output_config", "output_config.format", "metadata", "tool_choice"];
    let places = kinds
        .map(|row| (row.section, row.path))
        .chain(objects.map(|path| (Section::Field, path)))
        .chain([(Section::Block, "image.source"), (Section::Block, "document.source")])
        .chain([(Section::Role, "system.output_config"), (Section::Field, "")]);
    let mut silent = Vec::new();
    for (section, place) in places {
        let path = format!("{place}.not_yet_invented");
        let path = path.trim_start_matches('.');
        let carrier = Carrier::of(section, path);
        let (with, notes) = translate(&carrier.request, &rich());
        let (without, base_notes) = translate(&carrier.without(section, path), &rich());
        if with != without || with.is_err() || more(&notes, &base_notes) != [Code::UnknownField] {
            silent.push((section.name(), path.to_owned(), with.err(), notes));
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}
