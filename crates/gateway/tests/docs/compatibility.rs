//! `docs/compatibility.md`.

use super::table;
use wire::chat::read;
use wire::chat::written::{self, Use};
use wire::fates::{Fate, Section};
use wire::fault::Reader;
use wire::fault::{Fault, Kind};
use wire::note::Code;
use wire::responses::fates::ROWS;
use wire::responses::fault::answer;

const DIFFERENCES: &str = include_str!("../../../../corpus/spec/differences.md");

const HEAD: &str = "\
# Compatibility

<!-- Made by `UPDATE=1 cargo test -p gateway --test docs`; edits are lost. -->

## What quire serves

| Request | What |
|---|---|
| `POST /v1/responses` | Responses, as a stream or whole; bodies may be compressed with zstd, gzip or deflate |
| `GET /v1/responses` with upgrade | 426: WebSockets are declined, clients go on over HTTP |
| `GET /v1/models`, `GET /v1/models/{id}` | one list for Codex (`models`) and for SDKs (`data`) |
| `GET /health`, `GET /ready`, `GET /metrics` | status; readiness; counters for Prometheus |
| `GET /api/status`, `GET /api/requests` | for the command line, with the admin token |

## How to read this

What becomes of a Responses request when the model behind it speaks Chat Completions. Every field,
item, content part and tool of the dialect has one decision; a test tries each of them. Whatever is
not passed on with its full effect comes back as a *note*: its code is in the header
`x-quire-notes`, and the whole note (`code`, `at`, `effect`, `message`) in the member `quire` of the
answer.

The decisions:

- **passed**: it has its full effect;
- **depends**: it has its full effect where the model's record (see [providers.md](providers.md))
  says that it is understood, else the note tells;
- **changed**: it reaches the model in another form, and the note tells;
- **left out**: it has no effect, and the note tells;
- **refused**: the request gets a 400 that names it, since the answer would be wrong without it.

A decision holds for everything beneath its path unless a longer path has its own; `*` stands for
every kind. A member that is in no list gets the note `unknown-field`, an item `unknown-item`, a
part `unknown-part`, a tool `unknown-tool`: never an error.

";

pub(crate) fn document() -> String {
    let mut out = HEAD.to_owned();
    for section in Section::ALL.into_iter().filter(|s| ROWS.iter().any(|row| row.section == *s)) {
        out.push_str(title(section));
        let rows = ROWS.iter().filter(|row| row.section == section).map(|row| {
            let (word, codes) = decision(row.fate);
            vec![format!("`{}`", row.path), word.to_owned(), codes, row.how.to_owned()]
        });
        out.push_str(&table(&[column(section), "Decision", "Note", "How"], rows));
    }
    out.push_str(&chat());
    out.push_str(&chat_answers());
    out.push_str(&notes());
    out.push_str(&answers());
    out.push_str(&errors());
    out.truncate(out.trim_end().len());
    out.push('\n');
    out
}

const fn title(section: Section) -> &'static str {
    match section {
        Section::Field => "## Fields of a request\n\n",
        Section::Value => "## Words with a decision of their own\n\n",
        Section::Item => "## Items of `input`\n\n",
        Section::Role => "## Messages\n\n",
        Section::Part => "## Content parts\n\n",
        Section::Block => "## Content blocks\n\n",
        Section::Tool => "## Tools\n\n",
        Section::Schema => "## Keywords of tool schemas\n\n",
    }
}

const fn column(section: Section) -> &'static str {
    match section {
        Section::Field => "Field",
        Section::Value => "Word",
        Section::Item => "Item",
        Section::Role => "Member",
        Section::Part => "Part",
        Section::Block => "Block",
        Section::Tool => "Tool",
        Section::Schema => "Keyword",
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

fn chat() -> String {
    let mut out = "## What a Chat Completions server is sent\n\n\
        Nothing else is ever written, but for the members that a provider's record adds.\n\n"
        .to_owned();
    let rows = written::ROWS.iter().filter_map(|row| {
        let (when, from) = match row.usage {
            Use::Written(from) => ("when asked for", from),
            Use::Accepted(from) => ("when asked for, where the record accepts it", from),
            Use::Recorded if row.section == written::Section::Field => {
                ("where the record says so", "`reasoning.effort`")
            }
            Use::Recorded => ("where the record says so", "reasoning of earlier turns"),
            Use::Never(_) => return None,
        };
        Some(vec![
            row.section.name().to_owned(),
            format!("`{}`", row.path),
            when.to_owned(),
            from.to_owned(),
        ])
    });
    out.push_str(&table(&["Kind", "Member", "Sent", "From"], rows));
    out.push_str("Never sent:\n\n");
    let rows = written::ROWS.iter().filter_map(|row| match row.usage {
        Use::Never(why) => {
            Some(vec![row.section.name().to_owned(), format!("`{}`", row.path), why.to_owned()])
        }
        Use::Written(_) | Use::Accepted(_) | Use::Recorded => None,
    });
    out.push_str(&table(&["Kind", "Member", "Why"], rows));
    out
}

fn chat_answers() -> String {
    let rows = |wanted: bool| {
        read::ROWS.iter().filter_map(move |row| match row.usage {
            read::Use::Read(text) if wanted => Some((row.path, text)),
            read::Use::PassedOver(text) if !wanted => Some((row.path, text)),
            read::Use::Read(_) | read::Use::PassedOver(_) => None,
        })
    };
    let cells = |(path, text): (&str, &str)| vec![format!("`{path}`"), text.to_owned()];
    format!(
        "## What is read of a Chat Completions answer\n\n{}Passed over:\n\n{}",
        table(&["Member", "Becomes"], rows(true).map(cells)),
        table(&["Member", "Why"], rows(false).map(cells))
    )
}

fn notes() -> String {
    let rows = Code::ALL.iter().map(|code| {
        vec![
            format!("`{}`", code.name()),
            code.effect().name().to_owned(),
            code.message().to_owned(),
        ]
    });
    format!("## Notes\n\nThe codes are stable.\n\n{}", table(&["Code", "Effect", "Meaning"], rows))
}

/// The first and the last column of the lists of differences that say what quire does.
fn answers() -> String {
    let mut out = "## Answers and events\n\n\
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

fn errors() -> String {
    let rows = Kind::ALL.map(|kind| {
        let fault = Fault::new(kind, "");
        let (codex, other) = (answer(&fault, Reader::Codex), answer(&fault, Reader::Other));
        let body: serde_json::Value = serde_json::from_str(&other.body).expect("quire writes JSON");
        let word = |name: &str| format!("`{}`", body["error"][name].as_str().unwrap_or_default());
        vec![
            meaning(kind).to_owned(),
            other.status.to_string(),
            codex.status.to_string(),
            word("type"),
            word("code"),
            if other.permanent { "no" } else { "yes" }.to_owned(),
        ]
    });
    format!(
        "## Errors\n\n\
         Every error has `type`, `code`, `param` and `message`; the message keeps the upstream's own words, and\n\
         `retry-after` what it asked for. Codex tries most statuses again and again, so what will never succeed\n\
         reaches Codex as 400, everybody else with its true status and `x-should-retry: false`. After the answer\n\
         began, the same fault ends the stream as `response.failed`.\n\n{}",
        table(
            &["What happened", "Status", "For Codex", "`type`", "`code`", "Worth another try"],
            rows
        )
    )
}

const fn meaning(kind: Kind) -> &'static str {
    match kind {
        Kind::BadRequest => "the request is malformed, or asks for what cannot be",
        Kind::TooLarge => "the body is over the size limit",
        Kind::TooLong => "the conversation does not fit the model's context window",
        Kind::Refused => "the prompt was refused for its content",
        Kind::UnknownModel => "no such model; the message names the nearest",
        Kind::NotFound => "no such address",
        Kind::Unauthorized => "the key is missing, wrong or expired",
        Kind::Forbidden => "the key is good, but not for this",
        Kind::Plan => "the account's plan does not include this model",
        Kind::RateLimited => "too many requests",
        Kind::Quota => "the allowance is used up",
        Kind::Overloaded => "the upstream has no capacity right now",
        Kind::Upstream => "the upstream failed",
        Kind::Connect => "the upstream cannot be reached",
        Kind::Cut => "the connection to the upstream broke",
        Kind::Idle => "the upstream fell silent",
        Kind::Protocol => "the upstream spoke something else than its dialect",
        Kind::Cancelled => "the client went away",
        Kind::Internal => "a defect of quire",
    }
}
