//! Content blocks of a Messages answer while they are written. It keeps no order and decides nothing:
//! the encoder does.

use crate::json::{Escaped, Kind as Json, Tape, quote_into};
use crate::turn::{Citation, Form, Opaque, Source};

/// A block that is being written, or that waits for the one before it.
pub(super) struct Block {
    pub(super) part: u32,
    pub(super) kind: Kind,
    /// The text so far, escaped; for calls and searches the JSON text of their input.
    pub(super) text: String,
    /// How much of the text has been handed out.
    pub(super) sent: usize,
    /// What the upstream wants back with it, for reasoning.
    pub(super) opaque: Option<Opaque<'static>>,
    /// Citations of a text or results of a search, each as JSON.
    pub(super) found: Vec<String>,
    /// How much of them has been handed out.
    pub(super) cited: usize,
    pub(super) index: Option<u32>,
    /// It is a search, and failed.
    pub(super) failed: bool,
    /// Nothing more is to come.
    pub(super) closed: bool,
}

/// What stands for the pages of a search that failed.
const SEARCH_FAILED: &str = r#"{"type":"web_search_tool_result_error","error_code":"unavailable"}"#;

pub(super) enum Kind {
    Text,
    /// The text is shown, or only the signature is.
    Thinking {
        shown: bool,
    },
    Call {
        id: String,
        name: String,
        form: Form,
    },
    Search {
        id: String,
    },
}

/// What became of a call when it ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Input {
    Whole,
    Broken,
}

impl Block {
    pub(super) fn new(part: u32, kind: Kind) -> Self {
        let text = match &kind {
            Kind::Search { .. } => r#"{\"query\":\""#.to_owned(),
            // A client of this dialect declares no tool that takes free text.
            Kind::Call { form: Form::Input, .. } => r#"{\"input\":\""#.to_owned(),
            Kind::Text | Kind::Thinking { .. } | Kind::Call { .. } => String::new(),
        };
        Self {
            part,
            kind,
            text,
            sent: 0,
            opaque: None,
            found: Vec::new(),
            cited: 0,
            index: None,
            failed: false,
            closed: false,
        }
    }

    /// Whether its text is a string inside of the JSON text that is written.
    const fn is_wrapped(&self) -> bool {
        matches!(self.kind, Kind::Search { .. } | Kind::Call { form: Form::Input, .. })
    }

    pub(super) fn push(&mut self, text: &Escaped<'_>) {
        if self.is_wrapped() {
            self.text.push_str(text.escape_again().escaped());
        } else {
            self.text.push_str(text.escaped());
        }
    }

    /// Whether there is anything to show. Calls begin as what they are; texts and thoughts begin
    /// with their first word, since nobody may send an empty one back.
    pub(super) fn is_begun(&self) -> bool {
        match &self.kind {
            Kind::Text | Kind::Thinking { .. } => !self.text.is_empty(),
            Kind::Call { .. } | Kind::Search { .. } => true,
        }
    }

    /// Whether it is a call that is not whole.
    pub(super) const fn is_open_call(&self) -> bool {
        matches!(self.kind, Kind::Call { .. }) && !self.closed
    }

    /// What may be handed out now of what has not been. A call's input is held back until it
    /// looks like the object that it must be.
    pub(super) fn news(&self) -> &str {
        let news = &self.text[self.sent..];
        let is_object = || Escaped::trusted(self.start()).text().trim_start().starts_with('{');
        match &self.kind {
            Kind::Thinking { shown: false } => "",
            Kind::Call { .. } if self.sent == 0 && !is_object() => "",
            _ => news,
        }
    }

    /// Enough of the text to see how it begins.
    fn start(&self) -> &str {
        let mut end = self.text.len().min(64);
        while !self.text.is_char_boundary(end) {
            end -= 1;
        }
        &self.text[..end]
    }

    /// Completes the input of a call or a search.
    pub(super) fn complete(&mut self, tape: &mut Tape) -> Input {
        if self.is_wrapped() {
            self.text.push_str(r#"\"}"#);
            return Input::Whole;
        }
        let input = Escaped::trusted(&*self.text).text().into_owned();
        match input.trim() {
            // A call without arguments is one with none of them.
            "" | "null" | "\"\"" => {
                self.text = "{}".to_owned();
                Input::Whole
            }
            text if tape.read(text).is_ok_and(|value| value.kind() == Json::Object) => Input::Whole,
            _ => Input::Broken,
        }
    }

    /// The block as it begins.
    pub(super) fn begin(&self, out: &mut String) {
        match &self.kind {
            Kind::Text => out.push_str(r#"{"type":"text","text":""}"#),
            Kind::Thinking { .. } => {
                out.push_str(r#"{"type":"thinking","thinking":"","signature":""}"#);
            }
            Kind::Call { .. } | Kind::Search { .. } => self.tool("{}", out),
        }
    }

    /// The block as it ends.
    pub(super) fn whole(&self, signature: &str, out: &mut String) {
        match &self.kind {
            Kind::Text => {
                out.push_str(r#"{"type":"text","text":""#);
                out.push_str(&self.text);
                out.push('"');
                if !self.found.is_empty() {
                    out.push_str(",\"citations\":[");
                    out.push_str(&self.found.join(","));
                    out.push(']');
                }
                out.push('}');
            }
            Kind::Thinking { shown } => {
                out.push_str(r#"{"type":"thinking","thinking":""#);
                if *shown {
                    out.push_str(&self.text);
                }
                out.push_str("\",\"signature\":");
                quote_into(signature, out);
                out.push('}');
            }
            Kind::Call { .. } | Kind::Search { .. } => {
                self.tool(&Escaped::trusted(&*self.text).text(), out);
            }
        }
    }

    fn tool(&self, input: &str, out: &mut String) {
        let (kind, id, name) = match &self.kind {
            Kind::Call { id, name, .. } => ("tool_use", id.as_str(), name.as_str()),
            Kind::Search { id } => ("server_tool_use", id.as_str(), "web_search"),
            Kind::Text | Kind::Thinking { .. } => return,
        };
        for piece in [
            "{\"type\":\"",
            kind,
            "\",\"id\":\"",
            id,
            "\",\"name\":\"",
            name,
            "\",\"input\":",
            input,
            "}",
        ] {
            out.push_str(piece);
        }
    }

    /// The result of a search: a block of its own.
    pub(super) fn results(&self, out: &mut String) {
        let Kind::Search { id } = &self.kind else { return };
        let found = match self.failed {
            true => SEARCH_FAILED.to_owned(),
            false => format!("[{}]", self.found.join(",")),
        };
        for piece in [
            "{\"type\":\"web_search_tool_result\",\"tool_use_id\":\"",
            id,
            "\",\"content\":",
            &found,
            "}",
        ] {
            out.push_str(piece);
        }
    }

    /// Begins the delta of this kind up to its text.
    pub(super) const fn delta(&self) -> &'static str {
        match self.kind {
            Kind::Text => r#"{"type":"text_delta","text":""#,
            Kind::Thinking { .. } => r#"{"type":"thinking_delta","thinking":""#,
            Kind::Call { .. } | Kind::Search { .. } => {
                r#"{"type":"input_json_delta","partial_json":""#
            }
        }
    }

    /// Adds a citation to a text.
    pub(super) fn cite(&mut self, citation: &Citation<'_>) {
        let title = match &citation.title {
            Some(title) => format!("\"{}\"", title.escaped()),
            None => "null".to_owned(),
        };
        self.found.push(format!(
            r#"{{"type":"web_search_result_location","url":"{}","title":{title},"encrypted_index":"","cited_text":"{}"}}"#,
            citation.url.escaped(),
            citation.quote.as_ref().map_or("", Escaped::escaped),
        ));
    }

    /// Adds a page to what a search found.
    pub(super) fn find(&mut self, source: &Source<'_>) {
        let title = source.title.as_ref().unwrap_or(&source.url);
        self.found.push(format!(
            r#"{{"type":"web_search_result","url":"{}","title":"{}","encrypted_content":"","page_age":null}}"#,
            source.url.escaped(),
            title.escaped(),
        ));
    }
}
