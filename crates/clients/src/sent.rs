//! Reads a request as it reached the upstream, whatever its dialect: the tools offered, what was
//! said, calls and results, images, reasoning. It looks only; the strict upstream has judged the
//! request before. Start at [`Sent`]; the modules answer the same questions for one dialect each.

pub mod chat;
pub mod messages;
pub mod responses;

use serde_json::Value;
use testkit::Dialect;
use testkit::upstream::Recorded;

/// A request for an answer.
#[derive(Clone, Debug)]
pub struct Sent {
    pub dialect: Dialect,
    pub body: Value,
}

impl From<&Recorded> for Sent {
    fn from(request: &Recorded) -> Sent {
        let spoken = |dialect: &Dialect| request.place() == dialect.path();
        let dialect = Dialect::ALL.into_iter().find(spoken).unwrap_or(Dialect::Chat);
        Sent { dialect, body: (*request.json).clone() }
    }
}

/// Asks the module of the dialect.
macro_rules! ask {
    ($sent:expr, $question:ident $(, $argument:expr)*) => {
        match $sent.dialect {
            Dialect::Chat => chat::$question(&$sent.body $(, $argument)*),
            Dialect::Messages => messages::$question(&$sent.body $(, $argument)*),
            Dialect::Responses => responses::$question(&$sent.body $(, $argument)*),
        }
    };
}

impl Sent {
    /// The tools offered, by their whole names; a tool without a name is called by its type.
    pub fn tools(&self) -> Vec<&str> {
        ask!(self, tools)
    }

    /// The definition of a tool: of this name, or of one that ends in it behind a namespace.
    pub fn tool(&self, name: &str) -> Option<&Value> {
        ask!(self, tool, name)
    }

    /// Everything that instructs the model and is not said by the user: the system prompt, and the
    /// developer's and the system's messages, in order.
    pub fn instructions(&self) -> String {
        ask!(self, instructions)
    }

    /// The texts of the user's messages, or of the assistant's, in order; results do not count.
    pub fn said(&self, role: &str) -> Vec<String> {
        ask!(self, said, role)
    }

    /// The calls in the history: id, name, arguments.
    pub fn calls(&self) -> Vec<(&str, &str, Value)> {
        ask!(self, calls)
    }

    /// The results in the history: the id of the call, and the text.
    pub fn results(&self) -> Vec<(&str, String)> {
        ask!(self, results)
    }

    /// The URLs of the images, in order; inline ones as `data:` URLs.
    pub fn images(&self) -> Vec<String> {
        ask!(self, images)
    }

    /// The reasoning in the history, as texts, in order.
    pub fn reasoning(&self) -> Vec<String> {
        ask!(self, reasoning)
    }
}

/// The elements of an array; nothing of anything else.
fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// The text of a content: itself, or its parts joined.
fn text_of(content: &Value) -> String {
    match content {
        Value::String(text) => text.clone(),
        parts => list(parts).filter_map(|part| part["text"].as_str()).collect(),
    }
}

#[cfg(test)]
mod tests;
