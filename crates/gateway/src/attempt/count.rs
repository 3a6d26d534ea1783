//! How many tokens a request is: by the upstream's own count where it has one, else estimated, and
//! said so.

use std::sync::Arc;

use http::{HeaderMap, StatusCode};
use wire::dialect::Dialect;
use wire::envelope::{Change, edited};
use wire::fault::{Fault, Kind, Phase};
use wire::json::{Document, Tape};
use wire::note::{Code, Notes};
use wire::paths::fault_told_to;
use wire::turn::{Item, Part, ToolKind, Turn};

use super::{Ask, Gateway, ModelVault, no_endpoint, passing, sending, succeeded, timeouts};
use crate::buffers;
use crate::config::Origin;

/// The largest count that is read.
const MAX_COUNT: usize = 64 << 10;
/// What an image costs, roughly: Anthropic counts width times height by 750, at most about 1,600.
const IMAGE_TOKENS: u64 = 1_600;
/// What the frame of a message or tool costs, roughly.
const FRAME_TOKENS: u64 = 4;

/// A number of tokens.
#[derive(Debug)]
pub struct Count {
    pub tokens: u64,
    /// [`Code::CountEstimated`] is among them where nobody counted.
    pub notes: Notes,
}

impl Gateway {
    /// Counts the tokens of a request.
    ///
    /// # Errors
    /// The request is refused, or the upstream counts and fails at it.
    pub async fn count(self: Arc<Self>, mut ask: Ask) -> Result<Count, Fault> {
        // What bounds or hurries an answer is no part of the prompt, and counters refuse it.
        if let Some(alias) = &mut ask.route.alias {
            (alias.max_output_tokens, alias.fast) = (None, None);
        }
        let candidate = &ask.route.candidates[0];
        let root = ask.document.root();
        let mut notes = Notes::default();
        let built_in = candidate.provider.origin == Origin::BuiltIn;
        let dialect = match candidate.dialect(ask.dialect, root) {
            Some(dialect) => dialect,
            None if built_in => Dialect::Chat,
            None => return Err(no_endpoint(candidate)),
        };
        ask.ledger.note(|exchange| {
            exchange.provider = Some(candidate.provider.id.clone().into());
            exchange.model_used = Some(candidate.model.id.clone().into());
            exchange.dialect_out = Some(dialect.name().into());
        });
        let endpoint = counting(dialect).zip(candidate.provider.endpoint(dialect));
        let Some((counter, url)) = endpoint.filter(|_| !built_in) else {
            return estimated(&ask, notes);
        };
        let vault = ModelVault::new(Arc::clone(&self.sealer), candidate.name());
        let passes = dialect == ask.dialect;
        let body = if passes {
            let (sealer, issuers) = (&self.sealer, &self.issuers);
            passing::body(&ask, candidate, sealer, issuers, &vault, false, &mut notes)
        } else {
            let document = complete(&ask)?;
            let turn = ask.dialect.parse(document.root(), &mut notes)?;
            let target = candidate.target(dialect);
            let mut written = Notes::default();
            let rendered = dialect
                .render(&turn, target, &vault, String::new(), &mut written)
                .map_err(|fault| fault_told_to(ask.dialect, fault))?;
            notes.tell(written, ask.dialect);
            countable(&rendered.body, counter.members)
        };
        let mut url = url.expose().clone();
        url.set_path(&format!("{}{}", url.path(), counter.path));
        let none = HeaderMap::new();
        let passed = if passes { &ask.passed_headers } else { &none };
        let head = sending::head(candidate, dialect, url.as_str(), passed)?;
        let body = buffers::lend(body.into_bytes());
        let response = self.client.send(head, body, timeouts(&ask.snapshot)).await?;
        let status = response.status;
        if matches!(
            status,
            StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED | StatusCode::NOT_IMPLEMENTED
        ) {
            return estimated(&ask, notes);
        }
        let response = succeeded(response, candidate).await?;
        let bytes = response.body.collect(MAX_COUNT).await?;
        let read = std::str::from_utf8(&bytes).ok().and_then(|text| {
            let mut tape = Tape::default();
            tape.read(text).ok()?.get("input_tokens")?.as_u64()
        });
        match read {
            Some(tokens) => Ok(Count { tokens, notes }),
            None => {
                let text = "the upstream answered a count without `input_tokens`";
                Err(Fault { phase: Phase::Sent, ..Fault::new(Kind::Protocol, text) })
            }
        }
    }
}

/// Where a dialect counts, and what it wants to know for that.
struct Counter {
    /// Behind the path of the dialect's own endpoint.
    path: &'static str,
    members: &'static [&'static str],
}

/// Anthropic's "Count tokens" and OpenAI's "Get input token counts".
const fn counting(dialect: Dialect) -> Option<Counter> {
    match dialect {
        Dialect::Chat => None,
        Dialect::Messages => Some(Counter {
            path: "/count_tokens",
            members: &[
                "model",
                "messages",
                "system",
                "tools",
                "tool_choice",
                "thinking",
                "output_config",
            ],
        }),
        Dialect::Responses => Some(Counter {
            path: "/input_tokens",
            members: &[
                "model",
                "input",
                "instructions",
                "tools",
                "tool_choice",
                "text",
                "reasoning",
                "parallel_tool_calls",
            ],
        }),
    }
}

/// The request with what a request to be answered must have and one to be counted has not.
fn complete(ask: &Ask) -> Result<Document, Fault> {
    let (text, root) = (ask.document.text(), ask.document.root());
    let text = match ask.dialect {
        Dialect::Messages if root.get("max_tokens").is_none() => {
            edited(text, root, &[("max_tokens", Change::Set("1"))])
        }
        _ => text.to_owned(),
    };
    Document::parse(text).map_err(|error| Fault::bad_request("", error.to_string()))
}

/// Leaves the members that a counter knows.
fn countable(body: &str, members: &[&str]) -> String {
    let mut tape = Tape::default();
    let Ok(root) = tape.read(body) else { return body.to_owned() };
    let names: Vec<String> = root.members().map(|(key, _)| key.text().into_owned()).collect();
    let removed: Vec<(&str, Change<'_>)> = names
        .iter()
        .filter(|name| !members.contains(&name.as_str()))
        .map(|name| (name.as_str(), Change::Remove))
        .collect();
    edited(body, root, &removed)
}

fn estimated(ask: &Ask, mut notes: Notes) -> Result<Count, Fault> {
    let document = complete(ask)?;
    let turn = ask.dialect.parse(document.root(), &mut Notes::default())?;
    notes.add(Code::CountEstimated, "input_tokens");
    Ok(Count { tokens: estimate(&turn), notes })
}

/// Four bytes a token for what is read as text; media by the piece.
fn estimate(turn: &Turn<'_>) -> u64 {
    let parts = |parts: &[Part<'_>]| -> u64 {
        parts
            .iter()
            .map(|part| match part {
                Part::Text(text) | Part::Refusal(text) => bytes(text.escaped()),
                Part::Image { .. } => IMAGE_TOKENS,
                Part::File { data, .. } => {
                    // Three bytes of every four are the file's own.
                    data.as_ref().map_or(0, |data| data.escaped().len() as u64 / 16)
                }
                Part::Other { .. } => FRAME_TOKENS,
            })
            .sum()
    };
    let items = turn.items.iter().map(|item| {
        FRAME_TOKENS
            + match item {
                Item::Message { parts: list, .. } | Item::Result { parts: list, .. } => parts(list),
                Item::Call(call) => {
                    use wire::turn::Payload;
                    bytes(call.name.name.escaped())
                        + match &call.payload {
                            Payload::Arguments(text) | Payload::Input(text) => {
                                bytes(text.escaped())
                            }
                            Payload::Object(raw) => bytes(raw),
                        }
                }
                Item::Reasoning { text, summary, .. } => {
                    text.iter().chain(summary).map(|text| bytes(text.escaped())).sum()
                }
                Item::Compaction { sealed } => bytes(sealed.escaped()),
            }
    });
    let tools = turn.tools.iter().map(|tool| {
        let schema = match &tool.kind {
            ToolKind::Function { parameters, .. } | ToolKind::ToolSearch { parameters } => {
                parameters.map_or(0, |schema| bytes(schema.raw))
            }
            ToolKind::Custom { grammar } => {
                grammar.as_ref().map_or(0, |grammar| bytes(grammar.definition.escaped()))
            }
            ToolKind::LocalShell | ToolKind::WebSearch(_) => 0,
        };
        let described = tool.description.as_ref().map_or(0, |text| bytes(text.escaped()));
        FRAME_TOKENS + bytes(tool.name.name.escaped()) + described + schema
    });
    items.chain(tools).sum()
}

fn bytes(text: &str) -> u64 {
    (text.len() as u64).div_ceil(4)
}
