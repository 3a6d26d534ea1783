//! What one run of Pi ended with: its JSON events, read, beside the raw output.

use std::fmt;
use std::time::Duration;

use serde_json::Value;

use crate::process::Finished;
use crate::scene::{Ending, Usage};

/// Everything that a run left behind.
pub struct Outcome {
    /// `None` when the limit was reached. It tells nothing of how the turn ended.
    pub code: Option<i32>,
    /// The lines of `--mode json`, in order.
    pub events: Vec<Value>,
    pub stderr: String,
    pub wall: Duration,
}

impl Outcome {
    pub(super) fn read(finished: Finished) -> Outcome {
        let Finished { code, stdout, stderr, wall } = finished;
        let events = stdout
            .split_terminator('\n')
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| Value::from(line)))
            .collect();
        Outcome { code, events, stderr, wall }
    }

    /// Asserts that the turn ended well and nothing was complained about on the way.
    ///
    /// # Panics
    /// When something was.
    #[track_caller]
    pub fn succeeded(&self) -> &Outcome {
        assert_eq!(self.code, Some(0), "pi did not exit with 0: {self:#?}");
        assert_eq!(self.complaints(), Vec::<&str>::new(), "pi complained: {self:#?}");
        assert_eq!(self.of_type("agent_settled").count(), 1, "the run has no end: {self:#?}");
        self
    }

    /// The model's messages, in order, whole.
    pub fn messages(&self) -> impl Iterator<Item = &Value> {
        self.of_type("message_end")
            .map(|event| &event["message"])
            .filter(|message| message["role"] == "assistant")
    }

    /// The text of the last message.
    pub fn answer(&self) -> String {
        self.messages().last().map(|message| texts(message, "text")).unwrap_or_default()
    }

    /// What the model thought, message after message.
    pub fn thinking(&self) -> Vec<String> {
        let texts = self.messages().map(|message| texts(message, "thinking"));
        texts.filter(|text| !text.is_empty()).collect()
    }

    /// The tools that were run: name, arguments, the text of the result.
    pub fn tools(&self) -> Vec<(&str, &Value, String)> {
        let ends: Vec<&Value> = self.of_type("tool_execution_end").collect();
        self.of_type("tool_execution_start")
            .map(|start| {
                let end = ends.iter().find(|end| end["toolCallId"] == start["toolCallId"]);
                let result = end.map(|end| texts(&end["result"], "text")).unwrap_or_default();
                (start["toolName"].as_str().unwrap_or_default(), &start["args"], result)
            })
            .collect()
    }

    /// The usage of all messages together, but of those that failed, since another took their
    /// place. Pi counts cached tokens beside the others.
    pub fn usage(&self) -> Usage {
        let mut sum = Usage::default();
        for message in self.messages().filter(|message| message["stopReason"] != "error") {
            let count = |name: &str| message["usage"][name].as_u64().unwrap_or_default();
            sum.input += count("input") + count("cacheRead") + count("cacheWrite");
            sum.cached += count("cacheRead");
            sum.output += count("output");
            sum.reasoning += count("reasoning");
        }
        sum
    }

    /// The types of the message updates, equal ones in a row told once.
    pub fn updates(&self) -> Vec<&str> {
        let mut kinds: Vec<&str> = self
            .of_type("message_update")
            .filter_map(|event| event["assistantMessageEvent"]["type"].as_str())
            .collect();
        kinds.dedup();
        kinds
    }

    /// How often Pi itself tried again.
    pub fn retries(&self) -> usize {
        self.of_type("auto_retry_start").count()
    }

    /// What went wrong in the end: the error of the last message, whatever stands on stderr, and
    /// lines that are no events. A failure that a retry made good is no complaint.
    pub fn complaints(&self) -> Vec<&str> {
        let last = self.messages().last();
        let failed = last.filter(|message| message["stopReason"] == "error");
        let error = failed.map(|message| message["errorMessage"].as_str().unwrap_or("(no words)"));
        let lines = self.events.iter().filter_map(Value::as_str);
        error.into_iter().chain(lines).chain(self.stderr.lines()).collect()
    }

    /// The part of the outcome that every client has.
    pub fn ending(&self) -> Ending {
        let complaints: Vec<String> = self.complaints().into_iter().map(str::to_owned).collect();
        Ending {
            succeeded: self.code == Some(0) && complaints.is_empty(),
            answer: self.answer(),
            complaints,
            usage: Some(self.usage()),
        }
    }

    fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |event| event["type"] == kind)
    }
}

impl fmt::Debug for Outcome {
    /// Without the updates and Pi's own instructions, which are long and say little.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let told = |event: &&Value| match event["type"].as_str() {
            Some("message_end") => event["message"]["role"] != "system",
            Some("auto_retry_start" | "auto_retry_end") | None => true,
            Some(_) => false,
        };
        let events: Vec<String> = self.events.iter().filter(told).map(Value::to_string).collect();
        f.debug_struct("Outcome")
            .field("code", &self.code)
            .field("events", &events)
            .field("stderr", &self.stderr)
            .field("wall", &self.wall)
            .finish()
    }
}

/// The parts of one type in the content of a message or result, joined.
fn texts(message: &Value, kind: &str) -> String {
    let parts = message["content"].as_array().into_iter().flatten();
    parts.filter(|part| part["type"] == kind).filter_map(|part| part[kind].as_str()).collect()
}
