//! `docs/compatibility.md`, and a page for each dialect in `docs/compatibility/`.

mod dialects;
mod errors;

use super::table;
use wire::dialect::Dialect;
use wire::note::Code;

const HEAD: &str = "\
# Compatibility

<!-- Made by `UPDATE=1 cargo test -p gateway --test docs`; edits are lost. -->

## What quire serves

| Request | What |
|---|---|
| `POST /v1/responses` | OpenAI Responses |
| `POST /v1/chat/completions` | OpenAI Chat Completions |
| `POST /v1/messages` | Anthropic Messages |
| `POST /v1/responses/input_tokens`, `POST /v1/messages/count_tokens` | how many tokens a request is: the upstream's own count where it has one, else an estimate with the note `count-estimated` |
| `GET /v1/responses` with upgrade | 426: WebSockets are declined, clients go on over HTTP |
| `GET /v1/models`, `GET /v1/models/{id}` | one list for Codex (`models`) and for SDKs (`data`) |
| `GET /health`, `GET /ready`, `GET /metrics` | status; readiness; counters for Prometheus |
| `GET /api/status`, `GET /api/requests`, `GET /api/requests/{id}` | for the command line, with the admin token |

Answers come as a stream or whole, as the request asks. Bodies of requests may be compressed with
zstd, gzip or deflate.

## Which way a request goes

A provider that speaks the client's dialect gets the request in that dialect; otherwise quire
translates it into the first dialect of the provider.

";

const PASSED: &str = "
**The same dialect in and out is passed byte for byte.** Of the request only this changes: `model`
becomes the provider's own name for it, what the alias adds is added, and what another provider had
sealed (reasoning, compaction) is taken out, with a note; and a Chat Completions server that knows no
role `developer` gets `system` for it, with a note. Of the answer only the values of `model` change,
where the names differ. Nothing else is ordered, repaired or noted: unknown members, events
and tools arrive as they were sent. Only where the provider's stream breaks off does quire write an
ending of its own, which says so.

**Everything else is translated**, and these pages say what becomes of each part:

";

const READING: &str = "
## How to read the pages

Every field, item, content part, block and tool of a dialect has one decision; a test tries each of
them. Whatever is not passed on with its full effect comes back as a *note*: its code is in the header
`x-quire-notes`, and the whole note (`code`, `at`, `effect`, `message`) in the member `quire` of the
answer. In a stream that member stands in the terminal event (Responses), in the chunk with
`finish_reason` (Chat Completions), or in `message_delta` (Messages).

The decisions:

- **passed**: it has its full effect;
- **depends**: it has its full effect where the model's record (see [providers.md](providers.md))
  says that it is understood, or where the upstream's dialect has it, else the note tells;
- **changed**: it reaches the model in another form, and the note tells;
- **left out**: it has no effect, and the note tells;
- **refused**: the request gets a 400 that names it, since the answer would be wrong without it.

A decision holds for everything beneath its path unless a longer path has its own; `*` stands for
every kind. A member that is in no list gets the note `unknown-field`, an item `unknown-item`, a
part or block `unknown-part`, a tool `unknown-tool`: never an error.

";

/// Every page: its path below `docs`, and its text.
pub(crate) fn documents() -> Vec<(String, String)> {
    let mut start = format!("{HEAD}{}{PASSED}", ways());
    for dialect in Dialect::ALL {
        let (title, name) = (dialects::title(dialect), dialect.name());
        start.push_str(&format!(
            "- [{title}](compatibility/{name}.md): requests of its clients, requests for its servers,\n  \
             answers of its servers\n"
        ));
    }
    start.push_str(READING);
    start.push_str(&notes());
    start.push_str(&errors::errors());
    let mut pages = vec![("compatibility.md".to_owned(), ended(start))];
    pages.extend(Dialect::ALL.map(|dialect| {
        (format!("compatibility/{}.md", dialect.name()), ended(dialects::page(dialect)))
    }));
    pages
}

/// The same with exactly one line end.
fn ended(mut text: String) -> String {
    text.truncate(text.trim_end().len());
    text.push('\n');
    text
}

fn ways() -> String {
    let rows =
        Dialect::ALL.map(|client| {
            let mut cells = vec![format!("**{}**", dialects::title(client))];
            cells.extend(Dialect::ALL.map(|upstream| {
                if client == upstream { "passed" } else { "translated" }.to_owned()
            }));
            cells
        });
    let mut head = vec!["Client, provider"];
    head.extend(Dialect::ALL.map(dialects::title));
    let out = table(&head, rows);
    // The next paragraph begins with the empty line.
    out.trim_end().to_owned() + "\n"
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
