//! What a program of `clients/sdk` told about one call.

use std::fmt;

use serde_json::Value;

use crate::scene::Usage;

/// What the user of an SDK saw of one call, which may be a loop of several requests.
#[derive(Clone)]
pub struct Told {
    /// `NAME:MODE`.
    pub call: String,
    pub answers: Vec<Answer>,
    /// The types of the events, equal ones in a row told once.
    pub events: Vec<String>,
    /// What was thrown, if anything.
    pub failure: Option<Failure>,
    /// The HTTP requests of the SDK.
    pub requests: Vec<Request>,
    /// The line as it was printed, for what only some calls tell.
    pub raw: Value,
}

/// One HTTP request of the SDK, and what the head of its answer said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    pub method: String,
    /// With the query.
    pub path: String,
    pub status: u64,
    /// `x-quire-request-id`
    pub id: Option<String>,
    /// `x-quire-notes`
    pub notes: Option<String>,
}

/// One answer of the model.
#[derive(Clone, Debug)]
pub struct Answer {
    pub text: String,
    pub thinking: String,
    /// The calls: id, name, arguments.
    pub calls: Vec<(String, String, Value)>,
    /// The finish reason, status or stop reason.
    pub finish: String,
    pub usage: Option<Usage>,
    /// The answer as it was printed, for what only some have.
    pub raw: Value,
}

/// An error as the SDK threw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Failure {
    /// The name of its class.
    pub class: String,
    pub status: Option<u64>,
    /// What it prints.
    pub message: String,
    /// The error object of the answer as it was printed: `words`, `type`, `code`, `param`...
    pub raw: Value,
}

impl Told {
    /// Reads a line of the program; `None` when it is no report.
    pub(super) fn read(line: &str) -> Option<Told> {
        let raw: Value = serde_json::from_str(line).ok()?;
        Some(Told {
            call: raw["call"].as_str()?.to_owned(),
            answers: list(&raw["answers"]).map(Answer::read).collect(),
            events: list(&raw["events"]).map(text).collect(),
            failure: raw["error"].is_object().then(|| Failure::read(&raw["error"])),
            requests: list(&raw["requests"]).map(Request::read).collect(),
            raw,
        })
    }

    /// The name of the call without its mode.
    pub fn name(&self) -> &str {
        self.call.split(':').next().unwrap_or_default()
    }

    /// How it was called: `whole`, `stream` or `helper`.
    pub fn mode(&self) -> &str {
        self.call.split(':').nth(1).unwrap_or_default()
    }

    /// Asserts that nothing was thrown.
    ///
    /// # Panics
    /// When something was.
    #[track_caller]
    pub fn succeeded(&self) -> &Told {
        assert!(self.failure.is_none(), "`{}` failed: {self:?}", self.call);
        self
    }

    /// The only answer.
    ///
    /// # Panics
    /// When there was an error, or another number of answers.
    #[track_caller]
    pub fn answer(&self) -> &Answer {
        assert_eq!(self.answers.len(), 1, "`{}` has not one answer: {self:?}", self.call);
        self.last()
    }

    /// The last answer of a loop.
    ///
    /// # Panics
    /// When there was an error or no answer.
    #[track_caller]
    pub fn last(&self) -> &Answer {
        self.succeeded();
        self.answers.last().expect("a call without an error has an answer")
    }

    /// What was thrown.
    ///
    /// # Panics
    /// When nothing was.
    #[track_caller]
    pub fn failed(&self) -> &Failure {
        self.failure
            .as_ref()
            .ok_or_else(|| format!("`{}` did not fail: {self:?}", self.call))
            .expect("this call fails")
    }
}

impl fmt::Debug for Told {
    /// The line as it was printed, which holds everything.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#}", self.raw)
    }
}

impl Request {
    fn read(raw: &Value) -> Request {
        let said = |name: &str| raw[3][name].as_str().map(str::to_owned);
        Request {
            method: text(&raw[0]),
            path: text(&raw[1]),
            status: raw[2].as_u64().unwrap_or_default(),
            id: said("request-id"),
            notes: said("notes"),
        }
    }
}

impl Answer {
    fn read(raw: &Value) -> Answer {
        let calls = list(&raw["calls"])
            .map(|call| (text(&call["id"]), text(&call["name"]), call["arguments"].clone()));
        Answer {
            text: text(&raw["text"]),
            thinking: text(&raw["thinking"]),
            calls: calls.collect(),
            finish: text(&raw["finish"]),
            usage: usage(&raw["usage"]),
            raw: raw.clone(),
        }
    }

    /// The codes of the notes that came with the answer.
    pub fn notes(&self) -> Vec<&str> {
        list(&self.raw["quire"]["notes"]).filter_map(|note| note["code"].as_str()).collect()
    }
}

impl Failure {
    fn read(raw: &Value) -> Failure {
        Failure {
            class: text(&raw["class"]),
            status: raw["status"].as_u64(),
            message: text(&raw["message"]),
            raw: raw.clone(),
        }
    }

    /// A text member of the error object, or nothing.
    pub fn text(&self, name: &str) -> &str {
        self.raw[name].as_str().unwrap_or_default()
    }
}

/// The counts in whichever of the three shapes they are. Only Anthropic counts cached tokens beside
/// the others.
fn usage(raw: &Value) -> Option<Usage> {
    let count = |at: &str| raw.pointer(at).and_then(Value::as_u64);
    let either = |one: &str, other: &str| count(one).or_else(|| count(other)).unwrap_or_default();
    raw.is_object().then(|| {
        let beside = count("/cache_read_input_tokens");
        let written = count("/cache_creation_input_tokens").unwrap_or_default();
        Usage {
            input: either("/prompt_tokens", "/input_tokens") + beside.unwrap_or_default() + written,
            cached: beside.unwrap_or_else(|| {
                either(
                    "/prompt_tokens_details/cached_tokens",
                    "/input_tokens_details/cached_tokens",
                )
            }),
            output: either("/completion_tokens", "/output_tokens"),
            reasoning: count("/completion_tokens_details/reasoning_tokens").unwrap_or_else(|| {
                either(
                    "/output_tokens_details/reasoning_tokens",
                    "/output_tokens_details/thinking_tokens",
                )
            }),
        }
    })
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

fn text(value: &Value) -> String {
    value.as_str().unwrap_or_default().to_owned()
}
