//! One page for each dialect: requests from its clients, requests for its servers, answers of those.

use super::super::table;
use wire::dialect::Dialect;
use wire::fates::{Fate, Row, Section};
use wire::read::Use as Reading;
use wire::responses::read::Thing;
use wire::written::{Row as Written, Use};
use wire::{chat, messages, responses};

const DIFFERENCES: &str = include_str!("../../../../../corpus/spec/differences.md");

/// The name that people know.
pub(super) const fn title(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Chat => "Chat Completions",
        Dialect::Responses => "Responses",
        Dialect::Messages => "Messages",
    }
}

/// The whole page.
pub(super) fn page(dialect: Dialect) -> String {
    let name = title(dialect);
    let mut out = format!(
        "# {name}\n\n\
         <!-- Made by `UPDATE=1 cargo test -p gateway --test docs`; edits are lost. -->\n\n\
         [Compatibility](../compatibility.md) says how to read this, and lists the notes and errors.\n\n\
         ## Requests of {name} clients\n\n\
         What becomes of them when the model behind speaks another dialect.\n\n"
    );
    let rows = match dialect {
        Dialect::Chat => chat::fates::ROWS,
        Dialect::Responses => responses::fates::ROWS,
        Dialect::Messages => messages::fates::ROWS,
    };
    out.push_str(&asked(rows));
    out.push_str(&format!(
        "## What a {name} server is sent\n\n\
         Where the client speaks another dialect, nothing else is ever written, but for the members that\n\
         a provider's record adds. What stands under *From* is named as in requests of Responses clients\n\
         where the dialects differ.\n\n"
    ));
    out.push_str(&sent(dialect));
    out.push_str(&format!(
        "## What is read of a {name} answer\n\n\
         What a member becomes is named as Responses clients get it where the dialects differ.\n\n"
    ));
    out.push_str(&heard(dialect));
    if dialect == Dialect::Responses {
        out.push_str(&answers());
    }
    out
}

fn asked(all: &[Row]) -> String {
    let mut out = String::new();
    for section in Section::ALL {
        let rows: Vec<_> = all.iter().filter(|row| row.section == section).collect();
        if rows.is_empty() {
            continue;
        }
        let (title, column) = heading(section);
        out.push_str(&format!("### {title}\n\n"));
        let rows = rows.into_iter().map(|row| {
            let (word, codes) = decision(row.fate);
            vec![format!("`{}`", row.path), word.to_owned(), codes, row.how.to_owned()]
        });
        out.push_str(&table(&[column, "Decision", "Note", "How"], rows));
    }
    out
}

const fn heading(section: Section) -> (&'static str, &'static str) {
    match section {
        Section::Field => ("Fields", "Field"),
        Section::Value => ("Words with a decision of their own", "Word"),
        Section::Item => ("Items of `input`", "Item"),
        Section::Role => ("Messages by their roles", "Member"),
        Section::Part => ("Content parts", "Part"),
        Section::Block => ("Content blocks", "Block"),
        Section::Tool => ("Tools", "Tool"),
        Section::Schema => ("Keywords of tool schemas", "Keyword"),
    }
}

fn decision(fate: Fate) -> (&'static str, String) {
    let word = match fate {
        Fate::Translated => "passed",
        Fate::Depends(_) => "depends",
        Fate::Degraded(_) => "changed",
        Fate::Ignored(_) => "left out",
        Fate::Refused => "refused",
    };
    let codes: Vec<String> = fate.codes().iter().map(|code| format!("`{}`", code.name())).collect();
    (word, codes.join(", "))
}

/// Kind and member, and when it is sent and from what, or why it never is.
type Member = (&'static str, &'static str, Result<(&'static str, &'static str), &'static str>);

const ASKED: &str = "when asked for";
const ACCEPTED: &str = "when asked for, where the record accepts it";
const UNDERSTOOD: &str = "when asked for, where the record says that it is understood";
const RECORDED: &str = "where the record says so";

fn written(dialect: Dialect) -> Vec<Member> {
    let rows = match dialect {
        Dialect::Chat => chat::written::ROWS,
        Dialect::Responses => responses::written::ROWS,
        Dialect::Messages => messages::written::ROWS,
    };
    let one = |row: &Written| {
        let usage = match row.usage {
            Use::Written(from) => Ok((ASKED, from)),
            Use::Accepted(from) => Ok((ACCEPTED, from)),
            Use::Understood(from) => Ok((UNDERSTOOD, from)),
            Use::Recorded(from) => Ok((RECORDED, from)),
            Use::Never(why) => Err(why),
        };
        (row.section.name(), row.path, usage)
    };
    rows.iter().map(one).collect()
}

fn sent(dialect: Dialect) -> String {
    let all = written(dialect);
    let code = |path: &str| format!("`{path}`");
    let yes = all.iter().filter_map(|(kind, path, usage)| {
        let (when, from) = usage.ok()?;
        Some(vec![(*kind).to_owned(), code(path), when.to_owned(), from.to_owned()])
    });
    let no = all.iter().filter_map(|(kind, path, usage)| {
        Some(vec![(*kind).to_owned(), code(path), usage.err()?.to_owned()])
    });
    format!(
        "{}Never sent:\n\n{}",
        table(&["Kind", "Member", "Sent", "From"], yes),
        table(&["Kind", "Member", "Why"], no)
    )
}

/// What a member stands in, the member, and what it becomes, or why it is passed over.
type Heard = (String, &'static str, Result<&'static str, &'static str>);

fn read(dialect: Dialect) -> Vec<Heard> {
    let decided = |usage| match usage {
        Reading::Read(becomes) => Ok(becomes),
        Reading::PassedOver(why) => Err(why),
    };
    match dialect {
        Dialect::Chat => {
            let rows = chat::read::ROWS.iter();
            rows.map(|row| ("chunk".to_owned(), row.path, decided(row.usage))).collect()
        }
        Dialect::Responses => {
            let of = |thing| match thing {
                Thing::Event => "event".to_owned(),
                Thing::Item(kind) => format!("item `{kind}`"),
                Thing::Response => "response".to_owned(),
            };
            let rows = responses::read::ROWS.iter();
            rows.map(|row| (of(row.thing), row.path, decided(row.usage))).collect()
        }
        Dialect::Messages => {
            let rows = messages::read::ROWS.iter();
            rows.map(|row| (format!("event `{}`", row.event), row.path, decided(row.usage)))
                .collect()
        }
    }
}

fn heard(dialect: Dialect) -> String {
    let all = read(dialect);
    let cells = |(of, path, text): (&String, &str, &str)| {
        let path = if path.is_empty() { "the whole".to_owned() } else { format!("`{path}`") };
        vec![of.clone(), path, text.to_owned()]
    };
    let yes = all.iter().filter_map(|(of, path, usage)| Some(cells((of, path, usage.ok()?))));
    let no = all.iter().filter_map(|(of, path, usage)| Some(cells((of, path, usage.err()?))));
    format!(
        "{}Passed over:\n\n{}",
        table(&["Of", "Member", "Becomes"], yes),
        table(&["Of", "Member", "Why"], no)
    )
}

/// The first and the last column of the lists of differences that say what quire does.
fn answers() -> String {
    let mut out = "## Answers and events for Responses clients\n\n\
        Open Responses, OpenAI's SDK and real clients differ. This is what quire sends, so that all of\n\
        them are content; `corpus/spec/differences.md` says who wants what.\n\n"
        .to_owned();
    let mut rows = Vec::new();
    let mut in_table = false;
    for line in DIFFERENCES.lines() {
        let cells: Vec<&str> = line.trim_matches('|').split(" | ").map(str::trim).collect();
        match cells.last() {
            _ if !line.starts_with('|') => in_table = false,
            Some(&"quire") => in_table = true,
            Some(last) if in_table && !line.starts_with("|---") => {
                rows.push(vec![cells[0].to_owned(), (*last).to_owned()]);
            }
            _ => {}
        }
    }
    assert!(rows.len() > 30, "the list of differences is read wrongly");
    out.push_str(&table(&["Thing", "What quire sends"], rows));
    out
}
