//! A stream of chunks: that they are chunks of one answer, that each choice begins with its role
//! and ends once, that calls are told apart, and that the stream itself ends once and says how.

use std::collections::BTreeMap;

use serde_json::Value;

use super::shape::{self, Members, SPOKEN};
use crate::judge::{Complaint, Findings, Rule};
use crate::sse::{Frame, Parser};

/// Where a stream is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Open,
    /// The chunk with the usage came: only `[DONE]` can follow.
    Counted,
    /// An error came: nothing can follow.
    Failed,
    Done,
}

struct Stream {
    findings: Findings,
    include_usage: bool,
    stage: Stage,
    /// Whether an error came.
    failed: bool,
    /// The first chunk, which the others must agree with.
    first: Option<Value>,
    choices: BTreeMap<u64, Choice>,
}

/// One choice while it streams.
#[derive(Default)]
struct Choice {
    has_role: bool,
    finished: bool,
    calls: Vec<Call>,
}

/// A call as its first chunk named it.
struct Call {
    id: String,
    kind: String,
}

pub(super) fn judge(text: &str, include_usage: bool) -> Result<(), Vec<Complaint>> {
    let mut stream = Stream {
        findings: Findings::default(),
        include_usage,
        stage: Stage::Open,
        failed: false,
        first: None,
        choices: BTreeMap::new(),
    };
    let mut parser = Parser::default();
    let events = parser.push(text.as_bytes()).into_iter().filter_map(|frame| match frame {
        Frame::Event(event) => Some(event),
        Frame::Comment(_) => None,
    });
    for (number, event) in events.enumerate() {
        stream.findings.at = format!("chunk {number}");
        if let Some(name) = event.name {
            stream.say(Rule::Name, format!("a chunk has no name, but this is `{name}`"));
        }
        stream.event(&event.data);
    }
    stream.findings.at = "the end".to_owned();
    if parser.is_inside_event() {
        stream.say(Rule::Json, "the stream ends inside a chunk");
    }
    stream.end();
    stream.findings.verdict()
}

impl Stream {
    fn say(&mut self, rule: Rule, message: impl Into<String>) {
        self.findings.say(rule, message);
    }

    fn event(&mut self, data: &str) {
        if data == "[DONE]" {
            match self.stage {
                Stage::Open | Stage::Counted => {}
                Stage::Failed => self.say(Rule::Done, "`[DONE]` after an error"),
                Stage::Done => self.say(Rule::Done, "`[DONE]` comes twice"),
            }
            self.stage = Stage::Done;
            return;
        }
        let chunk = match serde_json::from_str::<Value>(data) {
            Ok(chunk) if chunk.is_object() => chunk,
            Ok(_) => return self.say(Rule::Json, "the data is not an object"),
            Err(error) => return self.say(Rule::Json, format!("the data is not JSON: {error}")),
        };
        match self.stage {
            Stage::Open => {}
            Stage::Counted if chunk.get("error").is_none() => {
                self.say(Rule::Terminal, "a chunk after the one with the usage");
            }
            Stage::Counted => {}
            Stage::Failed => return self.say(Rule::Terminal, "a chunk after the error"),
            Stage::Done => return self.say(Rule::Terminal, "a chunk after `[DONE]`"),
        }
        if chunk.get("error").is_some() {
            self.error(&chunk);
        } else {
            self.chunk(&chunk);
        }
    }

    fn error(&mut self, chunk: &Value) {
        self.stage = Stage::Failed;
        self.failed = true;
        let finished = !self.choices.is_empty() && self.choices.values().all(|c| c.finished);
        if finished {
            self.say(Rule::Terminal, "an error after the answer was finished");
        }
        let findings = &mut self.findings;
        Members::of(chunk, "", findings).required(&["error"]).check(findings);
        let error = &chunk["error"];
        let members = Members::of(error, "error", findings)
            .required(&["message", "type", "param", "code"])
            // What the provider itself called it; readers of errors take any member.
            .optional(&["upstream"]);
        if !members.check(findings) {
            return;
        }
        for name in ["message", "type"] {
            if error[name].as_str().is_none_or(|text| text.trim().is_empty()) {
                findings.say_in("error", Rule::Shape, format!("`{name}` says nothing"));
            }
        }
        for name in ["param", "code"] {
            if !error[name].is_string() && !error[name].is_null() {
                findings.say_in("error", Rule::Shape, format!("`{name}` is not a string"));
            }
        }
    }

    fn chunk(&mut self, chunk: &Value) {
        let members = Members::of(chunk, "", &mut self.findings)
            .required(&["id", "object", "created", "model", "choices"])
            .optional(&["usage", "system_fingerprint", "service_tier", "quire"]);
        members.check(&mut self.findings);
        shape::envelope(chunk, "chat.completion.chunk", &mut self.findings);
        let first = self.first.get_or_insert_with(|| chunk.clone());
        for name in ["id", "created", "model", "system_fingerprint"] {
            if first[name] != chunk[name] {
                let message = format!("`{name}` was {} and is now {}", first[name], chunk[name]);
                self.findings.say(Rule::Identity, message);
            }
        }
        let choices = chunk["choices"].as_array().map(Vec::as_slice).unwrap_or_default();
        let finished_before = self.finished();
        for (number, choice) in choices.iter().enumerate() {
            self.choice(choice, &format!("choices[{number}]"));
        }
        let finishes = self.finished() > finished_before;
        if !chunk["quire"].is_null() && !finishes {
            self.say(Rule::UnknownMember, "`quire` belongs to the chunk with the finish reason");
        }
        shape::notes(&chunk["quire"], "quire", &mut self.findings);
        self.usage(chunk, choices.is_empty());
    }

    fn finished(&self) -> usize {
        self.choices.values().filter(|choice| choice.finished).count()
    }

    fn usage(&mut self, chunk: &Value, is_own: bool) {
        if chunk["usage"].is_null() {
            if is_own {
                self.say(Rule::Usage, "a chunk without choices holds the usage");
            }
            return;
        }
        shape::usage(&chunk["usage"], "usage", &mut self.findings);
        if !self.include_usage {
            self.say(Rule::Usage, "the usage was not asked for");
        }
        if !is_own {
            self.say(Rule::Usage, "the usage stands in a chunk with choices");
        }
        if self.choices.values().any(|choice| !choice.finished) {
            self.say(Rule::Usage, "the usage comes before the finish reason");
        }
        if is_own {
            self.stage = Stage::Counted;
        }
    }

    fn choice(&mut self, choice: &Value, path: &str) {
        let members = Members::of(choice, path, &mut self.findings)
            .required(&["index", "delta", "finish_reason"])
            .optional(&["logprobs"]);
        if !members.check(&mut self.findings) {
            return;
        }
        let Some(index) = choice["index"].as_u64() else {
            return self.findings.say_in(path, Rule::Shape, "`index` is not a number");
        };
        let place = format!("{path}.delta");
        let delta = &choice["delta"];
        let members = Members::of(delta, &place, &mut self.findings)
            .optional(&["role", "content"])
            .optional(&SPOKEN);
        if members.check(&mut self.findings) {
            shape::spoken(delta, &place, &mut self.findings);
        }
        let known = self.choices.len() as u64;
        if index > known {
            let message = format!("choice {index} begins as number {known}");
            self.findings.say_in(path, Rule::Order, message);
        }
        let state = self.choices.entry(index).or_default();
        state.delta(delta, &place, &mut self.findings);
        let reason = &choice["finish_reason"];
        if reason.is_null() {
            return;
        }
        if state.finished {
            self.findings.say_in(path, Rule::Terminal, "the choice finishes twice");
        }
        state.finished = true;
        shape::finish(reason, !state.calls.is_empty(), path, &mut self.findings);
    }

    fn end(&mut self) {
        if self.failed {
            return;
        }
        if self.choices.is_empty() {
            self.say(Rule::Terminal, "nothing was answered");
        }
        let open: Vec<u64> =
            self.choices.iter().filter(|(_, c)| !c.finished).map(|(index, _)| *index).collect();
        for index in open {
            self.say(Rule::Terminal, format!("choice {index} has no finish reason"));
        }
        if self.stage != Stage::Done {
            self.say(Rule::Done, "neither `[DONE]` nor an error");
        }
    }
}

impl Choice {
    fn delta(&mut self, delta: &Value, path: &str, findings: &mut Findings) {
        match delta.get("role") {
            Some(role) if role != "assistant" => {
                findings.say_in(path, Rule::Shape, format!("the role is {role}"));
            }
            Some(_) if self.has_role => {
                findings.say_in(path, Rule::Opening, "the role is said twice");
            }
            None if !self.has_role => {
                findings.say_in(path, Rule::Opening, "a choice begins with its role");
            }
            _ => {}
        }
        self.has_role = true;
        if self.finished && generates(delta) {
            findings.say_in(path, Rule::Terminal, "something is said after the finish reason");
        }
        for (number, call) in delta["tool_calls"].as_array().into_iter().flatten().enumerate() {
            self.call(call, &format!("{path}.tool_calls[{number}]"), findings);
        }
    }

    fn call(&mut self, call: &Value, path: &str, findings: &mut Findings) {
        let Some(index) = call["index"].as_u64().and_then(|index| usize::try_from(index).ok())
        else {
            return findings.say_in(path, Rule::Missing, "`index` is required");
        };
        match self.calls.get(index) {
            Some(known) => known.more(call, path, findings),
            None => self.first_of_call(call, index, path, findings),
        }
    }

    fn first_of_call(&mut self, call: &Value, index: usize, path: &str, findings: &mut Findings) {
        if index > self.calls.len() {
            let message = format!("call {index} begins as number {}", self.calls.len());
            findings.say_in(path, Rule::Order, message);
        }
        let mut members = call.clone();
        members.as_object_mut().map(|members| members.remove("index"));
        shape::call(&members, path, findings);
        let text = |name: &str| call[name].as_str().unwrap_or_default().to_owned();
        let first = Call { id: text("id"), kind: text("type") };
        if self.calls.iter().any(|call| call.id == first.id) {
            findings.say_in(path, Rule::Identity, format!("the id `{}` is used twice", first.id));
        }
        self.calls.push(first);
    }
}

impl Call {
    /// A further piece: nothing but the arguments.
    fn more(&self, call: &Value, path: &str, findings: &mut Findings) {
        let (member, argument) = shape::argument_of(&self.kind);
        for name in ["id", "type"] {
            if call.get(name).is_some() {
                let message = format!("`{name}` of call `{}` is said again", self.id);
                findings.say_in(path, Rule::Identity, message);
            }
        }
        if call[member].get("name").is_some() {
            let message = format!("the name of call `{}` is said again", self.id);
            findings.say_in(path, Rule::Identity, message);
        }
        let members = Members::of(call, path, findings)
            .required(&["index", member])
            .optional(&["id", "type"]);
        members.check(findings);
        let place = format!("{path}.{member}");
        let inner = &call[member];
        let members =
            Members::of(inner, &place, findings).required(&[argument]).optional(&["name"]);
        if members.check(findings) && !inner[argument].is_string() {
            findings.say_in(&place, Rule::Shape, format!("`{argument}` is not a string"));
        }
    }
}

/// Whether a delta adds anything that a model generated.
fn generates(delta: &Value) -> bool {
    let members = delta.as_object().into_iter().flatten();
    members.filter(|(name, _)| name.as_str() != "role").any(|(_, value)| match value {
        Value::Null => false,
        Value::String(text) => !text.is_empty(),
        Value::Array(list) => !list.is_empty(),
        _ => true,
    })
}
