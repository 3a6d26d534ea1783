//! Output items of a Responses answer, as they are shown while they are written and when they are
//! done. It keeps no count and decides nothing: the encoder does.

use super::encode::number;
use crate::json::{Document, Escaped, Kind as Json, quote_into};
use crate::partial::InputReader;
use crate::turn::{Citation, Opaque, Source};

/// An item that is being written.
pub(super) struct Open {
    pub(super) part: u32,
    pub(super) index: u32,
    pub(super) id: String,
    /// The text so far, escaped.
    pub(super) text: String,
    /// What it refers to, as JSON joined with commas: citations of a text, sources of a search.
    pub(super) refers: Refers,
    /// What the upstream wants back with it, for reasoning.
    pub(super) opaque: Option<Opaque<'static>>,
    /// The frame of a delta up to its sequence number.
    pub(super) delta: String,
    pub(super) kind: ItemKind,
}

/// What an item refers to.
#[derive(Default)]
pub(super) struct Refers {
    /// It is a search, and failed.
    pub(super) failed: bool,
    pub(super) json: String,
    pub(super) count: u32,
    /// How much of the text was counted, in bytes, and how many characters that is.
    counted: (usize, u64),
}

pub(super) enum ItemKind {
    Message,
    Refusal,
    Reasoning {
        shown: Shown,
    },
    Call {
        call_id: String,
        name: String,
        namespace: Option<String>,
        kind: CallKind,
    },
    /// The provider searches the web; the text is what it searches for.
    Search,
    /// Text of a compaction: nothing is shown.
    Hidden,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    Summary,
    Text,
    Not,
}

pub(super) enum CallKind {
    Function,
    /// With the reader that unwraps its input, where the model had to wrap it.
    Custom(Option<Box<InputReader>>),
    ToolSearch,
    LocalShell,
}

impl Refers {
    fn add(&mut self, json: &str) {
        if self.count > 0 {
            self.json.push(',');
        }
        self.json.push_str(json);
        self.count += 1;
    }
}

impl Open {
    /// The item as JSON, with `text` as its content.
    pub(super) fn item(&self, status: &str, text: &str, sealed: Option<&str>, out: &mut String) {
        let kind = match &self.kind {
            ItemKind::Message | ItemKind::Refusal | ItemKind::Hidden => "message",
            ItemKind::Reasoning { .. } => "reasoning",
            ItemKind::Call { kind, .. } => match kind {
                CallKind::Function => "function_call",
                CallKind::Custom(_) => "custom_tool_call",
                CallKind::ToolSearch => "tool_search_call",
                CallKind::LocalShell => "local_shell_call",
            },
            ItemKind::Search => "web_search_call",
        };
        for piece in
            ["{\"type\":\"", kind, "\",\"id\":\"", &self.id, "\",\"status\":\"", status, "\""]
        {
            out.push_str(piece);
        }
        let begun = status != "in_progress";
        match &self.kind {
            ItemKind::Message | ItemKind::Refusal | ItemKind::Hidden => {
                out.push_str(",\"role\":\"assistant\",\"content\":[");
                if begun {
                    self.part(text, out);
                }
                out.push(']');
            }
            ItemKind::Reasoning { shown } => {
                out.push_str(",\"summary\":[");
                if begun && *shown == Shown::Summary {
                    self.part(text, out);
                }
                out.push(']');
                if begun && *shown == Shown::Text {
                    out.push_str(",\"content\":[");
                    self.part(text, out);
                    out.push(']');
                }
                if let Some(sealed) = sealed {
                    out.push_str(",\"encrypted_content\":");
                    quote_into(sealed, out);
                }
            }
            ItemKind::Call { call_id, name, namespace, kind } => {
                out.push_str(",\"call_id\":\"");
                out.push_str(call_id);
                out.push('"');
                match kind {
                    CallKind::ToolSearch => {
                        out.push_str(",\"execution\":\"client\",\"arguments\":");
                        out.push_str(arguments_object(text).as_deref().unwrap_or("{}"));
                    }
                    CallKind::LocalShell => {
                        out.push_str(",\"action\":");
                        let action = shell_action(text);
                        out.push_str(
                            action.as_deref().unwrap_or(r#"{"type":"exec","command":[],"env":{}}"#),
                        );
                    }
                    CallKind::Function | CallKind::Custom(_) => {
                        out.push_str(",\"name\":\"");
                        out.push_str(name);
                        out.push('"');
                        if let Some(namespace) = namespace {
                            out.push_str(",\"namespace\":\"");
                            out.push_str(namespace);
                            out.push('"');
                        }
                        let custom = matches!(kind, CallKind::Custom(_));
                        out.push_str(if custom { ",\"input\":\"" } else { ",\"arguments\":\"" });
                        out.push_str(text);
                        out.push('"');
                    }
                }
            }
            ItemKind::Search if begun => {
                out.push_str(",\"action\":{\"type\":\"search\",\"query\":\"");
                out.push_str(text);
                out.push('"');
                if self.refers.count > 0 {
                    out.push_str(",\"sources\":[");
                    out.push_str(&self.refers.json);
                    out.push(']');
                }
                out.push('}');
            }
            ItemKind::Search => {}
        }
        out.push('}');
    }

    /// Adds a citation to a text and returns it as JSON. An upstream that does not say which
    /// words it is for means those before it.
    pub(super) fn cite(&mut self, citation: &Citation<'_>) -> String {
        let (start, end) = citation.span.unwrap_or_else(|| {
            let (bytes, characters) = &mut self.refers.counted;
            let more = Escaped::trusted(&self.text[*bytes..]).text().chars().count() as u64;
            (*bytes, *characters) = (self.text.len(), *characters + more);
            (*characters, *characters)
        });
        let mut json = String::from("{\"type\":\"url_citation\"");
        number(",\"start_index\":", start, &mut json);
        number(",\"end_index\":", end, &mut json);
        // SDKs demand a title.
        let title = citation.title.as_ref().unwrap_or(&citation.url);
        for piece in
            [",\"url\":\"", citation.url.escaped(), "\",\"title\":\"", title.escaped(), "\"}"]
        {
            json.push_str(piece);
        }
        self.refers.add(&json);
        json
    }

    /// Adds what a search found, unless it failed.
    pub(super) fn find(&mut self, sources: Option<&[Source<'_>]>) {
        self.refers.failed = sources.is_none();
        for source in sources.unwrap_or_default() {
            self.refers.add(&format!("{{\"type\":\"url\",\"url\":\"{}\"}}", source.url.escaped()));
        }
    }

    /// The content part as JSON.
    pub(super) fn part(&self, text: &str, out: &mut String) {
        let (before, after) = match self.kind {
            ItemKind::Refusal => ("{\"type\":\"refusal\",\"refusal\":\"", "\"}"),
            ItemKind::Reasoning { shown: Shown::Summary } => {
                ("{\"type\":\"summary_text\",\"text\":\"", "\"}")
            }
            ItemKind::Reasoning { .. } => ("{\"type\":\"reasoning_text\",\"text\":\"", "\"}"),
            _ => {
                out.push_str("{\"type\":\"output_text\",\"annotations\":[");
                out.push_str(&self.refers.json);
                ("],\"logprobs\":[],\"text\":\"", "\"}")
            }
        };
        out.push_str(before);
        out.push_str(text);
        out.push_str(after);
    }

    /// `"item_id":…,"output_index":…`
    pub(super) fn place(&self, out: &mut String) {
        out.push_str("\"item_id\":\"");
        out.push_str(&self.id);
        number("\",\"output_index\":", u64::from(self.index), out);
    }

    /// The place of the content part within the item; none for items without parts.
    pub(super) fn content_place(&self) -> Option<&'static str> {
        match self.kind {
            ItemKind::Message | ItemKind::Refusal => Some(",\"content_index\":0"),
            ItemKind::Reasoning { shown: Shown::Summary } => Some(",\"summary_index\":0"),
            ItemKind::Reasoning { shown: Shown::Text } => Some(",\"content_index\":0"),
            ItemKind::Reasoning { shown: Shown::Not }
            | ItemKind::Call { .. }
            | ItemKind::Search
            | ItemKind::Hidden => None,
        }
    }

    /// The event that brings the whole text, and the member that holds it.
    pub(super) fn done_event(&self) -> Option<(&'static str, &'static str)> {
        match &self.kind {
            ItemKind::Message => Some(("response.output_text.done", "text")),
            ItemKind::Refusal => Some(("response.refusal.done", "refusal")),
            ItemKind::Reasoning { shown: Shown::Summary } => {
                Some(("response.reasoning_summary_text.done", "text"))
            }
            ItemKind::Reasoning { shown: Shown::Text } => {
                Some(("response.reasoning_text.done", "text"))
            }
            ItemKind::Call { kind: CallKind::Function, .. } => {
                Some(("response.function_call_arguments.done", "arguments"))
            }
            ItemKind::Call { kind: CallKind::Custom(_), .. } => {
                Some(("response.custom_tool_call_input.done", "input"))
            }
            ItemKind::Reasoning { shown: Shown::Not }
            | ItemKind::Call { .. }
            | ItemKind::Search
            | ItemKind::Hidden => None,
        }
    }

    /// Deltas differ only in their number and text, so the rest is written once.
    pub(super) fn prepare_delta(&mut self) {
        let name = match &self.kind {
            ItemKind::Message => "response.output_text.delta",
            ItemKind::Refusal => "response.refusal.delta",
            ItemKind::Reasoning { shown: Shown::Summary } => {
                "response.reasoning_summary_text.delta"
            }
            ItemKind::Reasoning { shown: Shown::Text } => "response.reasoning_text.delta",
            ItemKind::Call { kind: CallKind::Function, .. } => {
                "response.function_call_arguments.delta"
            }
            ItemKind::Call { kind: CallKind::Custom(_), .. } => {
                "response.custom_tool_call_input.delta"
            }
            ItemKind::Reasoning { shown: Shown::Not }
            | ItemKind::Call { .. }
            | ItemKind::Search
            | ItemKind::Hidden => return,
        };
        let mut delta = String::with_capacity(192);
        for piece in ["event: ", name, "\ndata: {\"type\":\"", name, "\","] {
            delta.push_str(piece);
        }
        self.place(&mut delta);
        delta.push_str(self.content_place().unwrap_or_default());
        if matches!(self.kind, ItemKind::Message) {
            delta.push_str(",\"logprobs\":[]");
        }
        delta.push_str(",\"sequence_number\":");
        self.delta = delta;
    }
}

/// Escaped arguments as the object that they are, on one line.
pub(super) fn arguments_object(escaped: &str) -> Option<String> {
    let text = Escaped::trusted(escaped).text().into_owned();
    if text.trim().is_empty() {
        return Some("{}".to_owned());
    }
    // Outside of strings a line break means nothing in JSON, and inside there is none.
    let text = text.replace(['\n', '\r'], " ");
    let document = Document::parse(text).ok()?;
    (document.root().kind() == Json::Object).then(|| document.text().trim().to_owned())
}

/// Arguments of the function that stands for `local_shell` as its action.
pub(super) fn shell_action(escaped: &str) -> Option<String> {
    let document = Document::parse(arguments_object(escaped)?).ok()?;
    let arguments = document.root();
    let command = arguments.get("command")?;
    let mut action = String::from("{\"type\":\"exec\",\"command\":");
    match command.kind() {
        Json::Array if command.elements().all(|word| word.kind() == Json::String) => {
            action.push_str(command.raw());
        }
        // Models write a whole line as well; a shell knows what it means.
        Json::String => {
            action.push_str("[\"bash\",\"-lc\",");
            action.push_str(command.raw());
            action.push(']');
        }
        _ => return None,
    }
    action.push_str(",\"env\":{}");
    for (name, kind) in [("working_directory", Json::String), ("timeout_ms", Json::Number)] {
        if let Some(value) = arguments.get(name).filter(|value| value.kind() == kind) {
            for piece in [",\"", name, "\":", value.raw()] {
                action.push_str(piece);
            }
        }
    }
    action.push('}');
    Some(action)
}
