//! What one run of Codex ended with: its JSON events, read, beside the raw output.

use std::time::Duration;

use serde_json::Value;

use crate::process::Finished;
use crate::scene::{Ending, Usage};

/// How Codex announces that it tries again; the turn may still end well.
const RETRY: &str = "Reconnecting... ";

/// Everything that a run left behind.
#[derive(Debug)]
pub struct Outcome {
    /// `None` when the limit was reached.
    pub code: Option<i32>,
    /// The lines of `--json`, in order.
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

    /// Asserts that the turn ended well and nothing was complained about on the way.
    pub fn succeeded(&self) -> &Outcome {
        assert_eq!(self.code, Some(0), "codex did not exit with 0: {self:#?}");
        assert_eq!(self.complaints(), Vec::<&str>::new(), "codex complained: {self:#?}");
        assert!(self.usage().is_some(), "the turn has no end: {self:#?}");
        self
    }

    /// The id of the thread, for `resume`.
    pub fn thread(&self) -> &str {
        self.of_type("thread.started")
            .find_map(|event| event["thread_id"].as_str())
            .expect("a run that started names its thread")
    }

    /// The finished items of one type: `command_execution`, `file_change`, `mcp_tool_call`...
    pub fn items<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.of_type("item.completed")
            .map(|event| &event["item"])
            .filter(move |item| item["type"] == kind)
    }

    /// The answers, in order.
    pub fn answers(&self) -> Vec<&str> {
        self.items("agent_message").filter_map(|item| item["text"].as_str()).collect()
    }

    /// The last answer.
    pub fn answer(&self) -> &str {
        self.answers().last().copied().unwrap_or_default()
    }

    /// The commands that were run, with their outputs, in order.
    pub fn commands(&self) -> Vec<(&str, &str)> {
        self.items("command_execution")
            .map(|item| {
                let text = |name: &str| item[name].as_str().unwrap_or_default();
                (text("command"), text("aggregated_output"))
            })
            .collect()
    }

    /// The usage of the finished turn; `None` when it did not finish.
    pub fn usage(&self) -> Option<Usage> {
        let usage = &self.of_type("turn.completed").last()?["usage"];
        let count = |name: &str| usage[name].as_u64().unwrap_or_default();
        Some(Usage {
            input: count("input_tokens"),
            cached: count("cached_input_tokens"),
            output: count("output_tokens"),
            reasoning: count("reasoning_output_tokens"),
        })
    }

    /// Everything that went wrong in Codex's eyes: errors, failed turns, and warnings, which it
    /// prints as items. A retry alone is no complaint.
    pub fn complaints(&self) -> Vec<&str> {
        self.errors().filter(|message| !message.starts_with(RETRY)).collect()
    }

    /// What Codex said whenever it tried again.
    pub fn retries(&self) -> Vec<&str> {
        self.errors().filter(|message| message.starts_with(RETRY)).collect()
    }

    /// The part of the outcome that every client has.
    pub fn ending(&self) -> Ending {
        Ending {
            succeeded: self.code == Some(0),
            answer: self.answer().to_owned(),
            complaints: self.complaints().into_iter().map(str::to_owned).collect(),
            usage: self.usage(),
        }
    }

    fn errors(&self) -> impl Iterator<Item = &str> {
        let message = |event: &'_ Value| match event["type"].as_str() {
            Some("error") => Some("/message"),
            Some("turn.failed") => Some("/error/message"),
            Some("item.completed") if event["item"]["type"] == "error" => Some("/item/message"),
            Some(_) => None,
            // A line that is not JSON.
            None => Some(""),
        };
        self.events.iter().filter_map(move |event| {
            let at = message(event)?;
            Some(event.pointer(at).and_then(Value::as_str).unwrap_or("(no message)"))
        })
    }

    fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |event| event["type"] == kind)
    }
}
