//! What one run of OpenCode ended with: its JSON events, read, beside the raw output.

use std::time::Duration;

use serde_json::Value;

use crate::process::Finished;
use crate::scene::{Ending, Usage};

/// Everything that a run left behind.
#[derive(Debug)]
pub struct Outcome {
    /// `None` when the limit was reached.
    pub code: Option<i32>,
    /// The lines of `--format json`, in order.
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

    /// Asserts that the run ended well and nothing was complained about on the way.
    pub fn succeeded(&self) -> &Outcome {
        assert_eq!(self.code, Some(0), "opencode did not exit with 0: {self:#?}");
        assert_eq!(self.complaints(), [""; 0], "opencode complained: {self:#?}");
        self
    }

    /// The id of the session, for `resume`.
    pub fn session(&self) -> &str {
        let named = self.events.iter().find_map(|event| event["sessionID"].as_str());
        named.expect("a run that started names its session")
    }

    /// The answers, in order.
    pub fn answers(&self) -> Vec<&str> {
        self.texts("text")
    }

    /// The last answer.
    pub fn answer(&self) -> &str {
        self.answers().last().copied().unwrap_or_default()
    }

    /// The reasoning, in order.
    pub fn reasoning(&self) -> Vec<&str> {
        self.texts("reasoning")
    }

    /// The calls that were made: tool, and how it went (`status`, `input`, `output`, `error`).
    pub fn calls(&self) -> Vec<(&str, &Value)> {
        self.of_type("tool_use")
            .map(|event| {
                (event["part"]["tool"].as_str().unwrap_or_default(), &event["part"]["state"])
            })
            .collect()
    }

    /// The usage over all requests of the conversation; `None` when no step of it was finished.
    pub fn usage(&self) -> Option<Usage> {
        let steps = self.of_type("step_finish").map(|event| {
            let tokens = &event["part"]["tokens"];
            let count = |at: &str| tokens.pointer(at).and_then(Value::as_u64).unwrap_or_default();
            let (cached, reasoning) = (count("/cache/read"), count("/reasoning"));
            Usage {
                input: count("/input") + cached + count("/cache/write"),
                cached,
                // OpenCode prints what was said beside what was thought.
                output: count("/output") + reasoning,
                reasoning,
            }
        });
        steps.reduce(|sum, step| Usage {
            input: sum.input + step.input,
            cached: sum.cached + step.cached,
            output: sum.output + step.output,
            reasoning: sum.reasoning + step.reasoning,
        })
    }

    /// The errors, as printed.
    pub fn complaints(&self) -> Vec<String> {
        let errors = self.of_type("error").map(|event| {
            let message = event["error"]["data"]["message"].as_str();
            message.map_or_else(|| event["error"].to_string(), str::to_owned)
        });
        let strays = self.events.iter().filter_map(Value::as_str).map(str::to_owned);
        errors.chain(strays).collect()
    }

    /// The part of the outcome that every client has.
    pub fn ending(&self) -> Ending {
        Ending {
            succeeded: self.code == Some(0) && self.complaints().is_empty(),
            answer: self.answer().to_owned(),
            complaints: self.complaints(),
            usage: self.usage(),
        }
    }

    fn texts<'a>(&'a self, kind: &'a str) -> Vec<&'a str> {
        self.of_type(kind).filter_map(|event| event["part"]["text"].as_str()).collect()
    }

    /// The events of one type.
    pub fn of_type<'a>(&'a self, kind: &'a str) -> impl Iterator<Item = &'a Value> {
        self.events.iter().filter(move |event| event["type"] == kind)
    }
}
