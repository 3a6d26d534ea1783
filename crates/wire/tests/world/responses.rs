//! The decisions about Responses requests.

use crate::carrier::Carrier;
use crate::surroundings::{bare, rich, rich_for, translate};
use std::collections::BTreeSet;
use wire::fates::{Fate, Section};
use wire::note::{Code, Notes};
use wire::responses::fates::{ROWS, TABLE};

const RESPONSES: &str = include_str!("../../../../corpus/world/responses.txt");

/// Rows about things that no source of the world lists, and who sends them.
const BEYOND: &[(Section, &str, &str)] = &[
    (Section::Item, "compaction_summary", "an older name that Codex still reads and replays"),
    (Section::Item, "context_compaction", "a name that Codex still reads and replays"),
    (Section::Part, "text", "Chat clients that were moved to Responses send it"),
    (Section::Part, "input_audio", "an earlier SDK had it, and Chat clients send it"),
    (
        Section::Part,
        "computer_screenshot",
        "the output of `computer_call_output`, seen in messages",
    ),
    (Section::Tool, "computer_use", "a word of `tool_choice`, so a client may declare it"),
];

/// Translated things that leave no trace in the upstream's request, and why that is right.
const TRACELESS: &[(Section, &str, &str)] = &[
    (Section::Field, "model", "whoever routes the request reads it"),
    (Section::Field, "text", "an object whose members are decided one by one"),
    (Section::Field, "tool_choice.tools.type", "no two tools of any kind have the same name"),
    (Section::Value, "include=web_search_call.action.sources", "no target here searches"),
    (Section::Value, "service_tier=auto", "what happens unasked"),
    (Section::Value, "service_tier=default", "what happens unasked"),
    (Section::Value, "text.format.type=text", "what happens unasked"),
    (Section::Value, "tool_choice=auto", "what happens unasked"),
    (Section::Value, "truncation=disabled", "what happens unasked"),
    (Section::Item, "additional_tools.role", "always `developer`"),
    (Section::Item, "function_call_output.name", "the call itself has it"),
    (Section::Item, "function_call_output.namespace", "the call itself has it"),
    (Section::Item, "tool_search_call.execution", "`client` is what happens"),
    (Section::Item, "tool_search_output.execution", "`client` is what happens"),
    (Section::Tool, "tool_search.execution", "`client` is what happens"),
    (Section::Schema, "type", "a missing one is added to the root"),
];

/// Rows whose loss is told for the thing as a whole: without them it would be lost just the same.
const TOLD_FOR_THE_WHOLE: &[(Section, &str)] = &[
    (Section::Part, "input_file.file_id"),
    (Section::Part, "input_file.file_url"),
    (Section::Part, "input_image.file_id"),
];

/// One line of the world that the table decides, without its origins.
struct Line {
    section: Section,
    path: &'static str,
}

/// The lines about requests. Words of things below an item, part or tool share that thing's fate,
/// as do those whose values differ in nothing.
fn lines() -> Vec<Line> {
    RESPONSES
        .lines()
        .filter(|line| !line.starts_with('#'))
        .filter_map(|line| {
            let name = line.split('\t').next().unwrap_or(line);
            let (kind, path) = name.split_once(' ').expect("a line has a kind and a name");
            let section = Section::ALL.into_iter().find(|section| section.name() == kind)?;
            (section != Section::Value || !path.contains(' ')).then_some(Line { section, path })
        })
        .collect()
}

/// The codes in `with` that are not in `without`, each as often as it happened more.
fn more(with: &Notes, without: &Notes) -> Vec<Code> {
    let before = |code, at: &str| {
        without
            .list()
            .iter()
            .find(|note| note.code == code && note.at == at)
            .map_or(0, |note| note.count)
    };
    let more = with.list().iter().filter(|note| note.count > before(note.code, &note.at));
    more.map(|note| note.code).collect()
}

#[test]
fn every_line_of_the_world_has_a_decision() {
    let all = lines();
    assert!(all.len() > 800, "the world lost most of its lines");
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
}

#[test]
fn every_row_about_something_beyond_the_world_is_still_there() {
    for (section, path, why) in BEYOND.iter().chain(TRACELESS) {
        assert!(!why.is_empty() && TABLE.find(*section, path).is_some(), "{path}");
    }
}

#[test]
fn what_the_table_says_is_what_happens() {
    let beyond = BEYOND.iter().map(|&(section, path, _)| Line { section, path });
    let wrong: Vec<_> = lines()
        .into_iter()
        .chain(beyond)
        // The tag of a thing is the thing.
        .filter(|line| line.section == Section::Field || !line.path.ends_with(".type"))
        .filter_map(|line| {
            check(line.section, line.path)
                .err()
                .map(|why| format!("{} {}: {why}", line.section.name(), line.path))
        })
        .collect();
    assert!(wrong.is_empty(), "{} decisions are not kept:\n{}", wrong.len(), wrong.join("\n"));
}

fn check(section: Section, path: &str) -> Result<(), String> {
    let row = TABLE.find(section, path).ok_or("undecided")?;
    let carrier = Carrier::of(section, path);
    let kind = path.split('.').next().unwrap_or(path);
    let whole = TOLD_FOR_THE_WHOLE.contains(&(row.section, row.path));
    let decided = match row.fate {
        _ if whole => kind.to_owned(),
        Fate::Translated | Fate::Refused => path.to_owned(),
        _ if row.section == section => row.path.replacen('*', kind, 1),
        _ => path.to_owned(),
    };
    let traceless = TRACELESS.iter().any(|&(known, at, _)| (known, at) == (section, path));
    for (name, at) in [("bare", bare(path)), ("rich", rich_for(section, path))] {
        let (done, notes) = translate(&carrier.request, &at);
        if row.fate == Fate::Refused {
            let param = done.err().ok_or("not refused")?.param.unwrap_or_default();
            if param != row.path {
                return Err(format!("refused for `{param}`"));
            }
            continue;
        }
        let done = done.map_err(|fault| format!("{name}: refused: {fault}"))?;
        // The notes of the thing that the row is about, and whether this very member counts.
        let (base, base_notes) = match translate(&carrier.without(section, &decided), &at) {
            (Ok(base), notes) => (Some(base), notes),
            (Err(_), _) => (None, translate(&Carrier::of(Section::Field, "input").request, &at).1),
        };
        let told = more(&notes, &base_notes);
        let any = base.as_ref() != Some(&done);
        let effect =
            whole || translate(&carrier.without(section, path), &at).0.as_ref() != Ok(&done);
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
fn a_member_that_nobody_knows_is_noted_wherever_it_stands() {
    let whole = |fate| matches!(fate, Fate::Ignored(_) | Fate::Refused);
    let kinds = ROWS.iter().filter(|row| {
        let thing = matches!(row.section, Section::Item | Section::Part | Section::Tool);
        thing
            && !row.path.contains(['.', '*'])
            && !whole(row.fate)
            && row.fate != Fate::Degraded(Code::PartDropped)
    });
    let places = kinds
        .map(|row| (row.section, row.path))
        .chain(
            ["reasoning", "text", "text.format", "tool_choice"].map(|path| (Section::Field, path)),
        )
        .chain([(Section::Tool, "custom.format"), (Section::Field, "")]);
    let mut silent = Vec::new();
    for (section, place) in places {
        let path = format!("{place}.not_yet_invented");
        let path = path.trim_start_matches('.');
        let carrier = Carrier::of(section, path);
        let (with, notes) = translate(&carrier.request, &rich());
        let (without, base_notes) = translate(&carrier.without(section, path), &rich());
        if with != without || with.is_err() || more(&notes, &base_notes) != [Code::UnknownField] {
            silent.push((section.name(), path.to_owned(), notes));
        }
    }
    assert!(silent.is_empty(), "{silent:#?}");
}
