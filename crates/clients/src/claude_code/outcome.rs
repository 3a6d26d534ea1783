//! What one run of Claude Code ended with: its JSON events, read, beside the raw output.

use std::time::Duration;

use serde_json::Value;

use crate::process::Finished;
use crate::scene::{Ending, Usage};

/// Everything that a run left behind.
#[derive(Debug)]
pub struct Outcome {
    /// `None` when the limit was reached.
    pub code: Option<i32>,
    /// The lines of `stream-json`, in order, or the one object of `json`.
    pub events: Vec<Value>,
    pub stderr: String,
    pub wall: Duration,
}

impl Outcome {
    pub(super) fn read(finished: Finished) -> Outcome {
        let Finished { code, stdout, stderr, wall } = finished;
        let events = stdout
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| Value::from(line)))
            .collect();
        Outcome { code, events, stderr, wall }
    }

    /// Asserts that the run ended well.
    pub fn succeeded(&self) -> &Outcome {
        assert_eq!(self.code, Some(0), "claude did not exit with 0: {self:#?}");
        assert!(!self.is_error(), "claude ended in an error: {self:#?}");
        self
    }

    /// The last event; null when the run has no end.
    pub fn result(&self) -> &Value {
        self.of_type("result").last().unwrap_or(&Value::Null)
    }

    /// Whether the run says that it failed, or has no end.
    pub fn is_error(&self) -> bool {
        self.result()["is_error"] != false
    }

    /// The answer, or the words of the failure.
    pub fn answer(&self) -> &str {
        self.result()["result"].as_str().unwrap_or_default()
    }

    /// How many times the model was asked in the conversation.
    pub fn turns(&self) -> u64 {
        self.result()["num_turns"].as_u64().unwrap_or_default()
    }

    /// The id of the session, for `resume`.
    pub fn session(&self) -> &str {
        self.result()["session_id"].as_str().expect("a run that ended names its session")
    }

    /// The blocks of the assistant's messages of one type (`text`, `thinking`, `tool_use`), in order.
    pub fn said<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.blocks("assistant").filter(move |block| block["type"] == kind)
    }

    /// The calls that were made: tool and input.
    pub fn calls(&self) -> Vec<(&str, &Value)> {
        self.said("tool_use")
            .map(|block| (block["name"].as_str().unwrap_or_default(), &block["input"]))
            .collect()
    }

    /// The results of the calls: whether it failed, and the content.
    pub fn results(&self) -> Vec<(bool, &Value)> {
        self.blocks("user")
            .filter(|block| block["type"] == "tool_result")
            .map(|block| (block["is_error"] == true, &block["content"]))
            .collect()
    }

    /// The status and the kind of each failure after which it tried again; the status is null where
    /// there was no answer.
    pub fn retries(&self) -> Vec<(&Value, &str)> {
        self.of_type("system")
            .filter(|event| event["subtype"] == "api_retry")
            .map(|event| (&event["error_status"], event["error"].as_str().unwrap_or_default()))
            .collect()
    }

    /// The usage over all requests of the conversation; `None` when it did not end well.
    pub fn usage(&self) -> Option<Usage> {
        if self.is_error() {
            return None;
        }
        let usage = &self.result()["usage"];
        let count = |at: &str| usage.pointer(at).and_then(Value::as_u64).unwrap_or_default();
        let cached = count("/cache_read_input_tokens");
        let written = count("/cache_creation_input_tokens");
        Some(Usage {
            input: count("/input_tokens") + cached + written,
            cached,
            output: count("/output_tokens"),
            reasoning: count("/output_tokens_details/thinking_tokens"),
        })
    }

    /// The part of the outcome that every client has.
    pub fn ending(&self) -> Ending {
        let failed = self.is_error();
        Ending {
            succeeded: self.code == Some(0) && !failed,
            answer: if failed { String::new() } else { self.answer().to_owned() },
            complaints: failed.then(|| self.answer().to_owned()).into_iter().collect(),
            usage: self.usage(),
        }
    }

    /// The events of one type.
    pub fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |event| event["type"] == kind)
    }

    fn blocks<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.of_type(kind)
            .flat_map(|event| event["message"]["content"].as_array().into_iter().flatten())
    }
}
