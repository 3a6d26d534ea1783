//! Chat Completions answers as events: a stream chunk by chunk, or a whole answer at once.
//!
//! Chat has no opening and closing of parts, so they follow from what arrives: another kind of
//! content closes the one before it, and a call is closed by the next call once its arguments are
//! whole. The end is held back until the stream is over, since usage may follow the finish.

use super::fault;
use super::target::{Quirk, Target};
use super::think::{Piece, ThinkTags};
use crate::fault::{Fault, Kind, Phase};
use crate::json::{Escaped, Kind as Json, Tape, Value};
use crate::partial::Progress;
use crate::sse::Frame;
use crate::turn::{End, Event, Finish, Opening, Usage};
use std::borrow::Cow;

/// How the bytes of a stream ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// The upstream closed the stream.
    Closed,
    /// It broke, and this is why.
    Broken(Fault),
}

/// The reader of one answer.
#[derive(Debug)]
pub struct Decoder {
    tape: Tape,
    parts: Parts,
    finish: Option<Finish>,
    /// The finish reason says that something went wrong.
    failed: Option<Fault>,
    think: Option<ThinkTags>,
    cumulative: Option<String>,
    ended: bool,
}

impl Decoder {
    /// A reader for answers of `target`. Calls without an id get one that starts with `call_stem`,
    /// which must be unique among all answers of a conversation.
    pub fn new(target: &Target, call_stem: &str) -> Self {
        Self {
            tape: Tape::default(),
            parts: Parts { call_stem: call_stem.to_owned(), ..Parts::default() },
            finish: None,
            failed: None,
            think: target.has(Quirk::ThinkTags).then(ThinkTags::default),
            cumulative: target.has(Quirk::CumulativeReasoning).then(String::new),
            ended: false,
        }
    }

    /// Whether the end has been given out; nothing follows it.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Takes one frame of a stream.
    pub fn push(&mut self, frame: Frame<'_>, sink: &mut impl FnMut(Event<'_>)) {
        if self.ended {
            return;
        }
        match frame.data {
            "" => {}
            "[DONE]" => self.finished(sink),
            data => self.document(data, "delta", sink),
        }
    }

    /// Takes a whole answer.
    pub fn answer(&mut self, body: &str, sink: &mut impl FnMut(Event<'_>)) {
        self.document(body, "message", sink);
        self.end(Ending::Closed, sink);
    }

    /// Ends the answer, if it has not ended by itself.
    pub fn end(&mut self, how: Ending, sink: &mut impl FnMut(Event<'_>)) {
        if self.ended {
            return;
        }
        match how {
            // Usage may be lost in a break after the finish, but the answer is whole.
            _ if self.finish.is_some() || self.failed.is_some() => self.finished(sink),
            Ending::Closed => self.fail(cut(), sink),
            Ending::Broken(fault) => self.fail(fault, sink),
        }
    }

    fn document(&mut self, text: &str, member: &str, sink: &mut impl FnMut(Event<'_>)) {
        let mut tape = std::mem::take(&mut self.tape);
        match tape.read(text) {
            Ok(chunk) if chunk.kind() == Json::Object => self.chunk(chunk, member, sink),
            Ok(chunk) => {
                let text = format!("the upstream sent {} where an object belongs", chunk.kind().name());
                self.fail(protocol(text), sink);
            }
            Err(error) => {
                self.fail(protocol(format!("the upstream sent what is not JSON: {error}")), sink);
            }
        }
        self.tape = tape;
    }

    fn chunk(&mut self, chunk: Value<'_, '_>, member: &str, sink: &mut impl FnMut(Event<'_>)) {
        let mut choice = None;
        let mut usage = None;
        let mut suspicious = false;
        for (key, value) in chunk.members() {
            match key.escaped() {
                "choices" => {
                    choice = value.elements().find(|choice| {
                        choice.get("index").and_then(Value::as_u64).unwrap_or(0) == 0
                    });
                }
                "usage" => usage = value.non_null(),
                "error" | "base_resp" | "message" | "detail" => suspicious = true,
                _ => {}
            }
        }
        if suspicious && let Some(fault) = fault::in_stream(chunk) {
            return self.fail(fault, sink);
        }
        if let Some(choice) = choice {
            for (key, value) in choice.members() {
                match key.escaped() {
                    key if key == member => self.delta(value, sink),
                    "finish_reason" => {
                        if let Some(reason) = value.as_str() {
                            self.finish(&reason);
                        }
                    }
                    // Moonshot puts usage here.
                    "usage" => usage = usage.or(value.non_null()),
                    _ => {}
                }
            }
        } else if member == "message" && !self.ended {
            return self.fail(protocol("the upstream's answer has no choices"), sink);
        }
        if let Some(usage) = usage.filter(|usage| usage.kind() == Json::Object) {
            sink(Event::Usage(usage_of(usage)));
        }
    }

    fn finish(&mut self, reason: &Escaped<'_>) {
        let failed = |kind, text: &str| Some(Fault { phase: Phase::Sent, ..Fault::new(kind, text) });
        self.finish = Some(match reason.text().as_ref() {
            // Some servers send an empty reason with every chunk.
            "" => return,
            "stop" | "end_turn" | "eos" | "stop_sequence" => Finish::Stop,
            "tool_calls" | "function_call" | "tool_use" => Finish::Calls,
            "length" | "max_tokens" => Finish::Length,
            "content_filter" | "sensitive" => Finish::Filtered,
            "model_context_window_exceeded" => {
                self.failed = failed(Kind::TooLong, "the conversation does not fit the model's context window");
                return;
            }
            "insufficient_system_resource" => {
                self.failed = failed(Kind::Overloaded, "the upstream ran out of resources");
                return;
            }
            "network_error" | "error" | "abort" => {
                self.failed = failed(Kind::Upstream, "the upstream reports that it failed while it answered");
                return;
            }
            other => Finish::Other(other.to_owned()),
        });
    }

    fn finished(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        if let Some(fault) = self.failed.take() {
            return self.fail(fault, sink);
        }
        let Some(finish) = self.finish.take() else { return self.fail(cut(), sink) };
        if let Some(think) = &mut self.think {
            let parts = &mut self.parts;
            think.end(&mut |piece| parts.thought(piece, sink));
        }
        // A call that was cut by a limit must not look whole.
        let whole = !matches!(finish, Finish::Length | Finish::Filtered);
        self.parts.close_all(whole, sink);
        self.ended = true;
        sink(Event::End(End::Finished(finish)));
    }

    fn fail(&mut self, fault: Fault, sink: &mut impl FnMut(Event<'_>)) {
        if !self.ended {
            self.ended = true;
            sink(Event::End(End::Failed(fault)));
        }
    }

    fn delta(&mut self, delta: Value<'_, '_>, sink: &mut impl FnMut(Event<'_>)) {
        let mut reasoning = None;
        let mut details = None;
        for (key, value) in delta.members() {
            match key.escaped() {
                "reasoning_content" => reasoning = value.as_str().or(reasoning),
                "reasoning" => reasoning = reasoning.or(value.as_str()),
                "reasoning_details" => details = value.non_null(),
                _ => {}
            }
        }
        // A server that sends both means the same by them.
        if let Some(text) = reasoning.filter(|text| !text.is_empty()) {
            self.parts.plain(Plain::Reasoning, text, sink);
        } else if let Some(details) = details {
            self.details(details, sink);
        }
        for (key, value) in delta.members() {
            match key.escaped() {
                "content" => self.content(value, sink),
                "refusal" => {
                    if let Some(text) = value.as_str() {
                        self.parts.plain(Plain::Refusal, text, sink);
                    }
                }
                "tool_calls" => {
                    for call in value.elements() {
                        self.parts.call(call, sink);
                    }
                }
                // The form before tools, still used by some servers.
                "function_call" if value.kind() == Json::Object => self.parts.legacy_call(value, sink),
                _ => {}
            }
        }
    }

    fn content(&mut self, value: Value<'_, '_>, sink: &mut impl FnMut(Event<'_>)) {
        match (value.kind(), &mut self.think) {
            (Json::String, Some(think)) => {
                let text = value.as_str().unwrap_or_default();
                let parts = &mut self.parts;
                think.push(&text.text(), &mut |piece| parts.thought(piece, sink));
            }
            (Json::String, None) => {
                self.parts.plain(Plain::Text, value.as_str().unwrap_or_default(), sink);
            }
            // Mistral sends parts, with thinking among them.
            (Json::Array, _) => {
                for part in value.elements() {
                    if let Some(text) = part.get("text").and_then(Value::as_str) {
                        self.parts.plain(Plain::Text, text, sink);
                    }
                    for thought in part.get("thinking").into_iter().flat_map(Value::elements) {
                        if let Some(text) = thought.get("text").and_then(Value::as_str) {
                            self.parts.plain(Plain::Reasoning, text, sink);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn details(&mut self, details: Value<'_, '_>, sink: &mut impl FnMut(Event<'_>)) {
        for entry in details.elements() {
            let text = entry.get("text").or_else(|| entry.get("summary")).and_then(Value::as_str);
            let Some(text) = text else { continue };
            match &mut self.cumulative {
                Some(before) => {
                    let new = text.escaped().strip_prefix(before.as_str()).map(str::to_owned);
                    if let Some(new) = new {
                        *before = text.escaped().to_owned();
                        self.parts.plain(Plain::Reasoning, Escaped::trusted(new), sink);
                    } else if !before.starts_with(text.escaped()) {
                        // Another thought begins.
                        *before = text.escaped().to_owned();
                        self.parts.plain(Plain::Reasoning, text, sink);
                    }
                }
                None => self.parts.plain(Plain::Reasoning, text, sink),
            }
        }
    }
}

fn cut() -> Fault {
    let text = "the upstream closed the stream before the answer was finished";
    Fault { phase: Phase::Sent, ..Fault::new(Kind::Cut, text) }
}

fn protocol(text: impl Into<String>) -> Fault {
    Fault { phase: Phase::Sent, ..Fault::new(Kind::Protocol, text) }
}

fn usage_of(usage: Value<'_, '_>) -> Usage {
    let count = |value: Value<'_, '_>, name: &str| value.get(name).and_then(Value::as_u64);
    let detail = |of: &str, name: &str| usage.get(of).and_then(|value| count(value, name));
    let input = count(usage, "prompt_tokens").unwrap_or(0);
    let output = count(usage, "completion_tokens").unwrap_or(0);
    let cached = detail("prompt_tokens_details", "cached_tokens")
        // DeepSeek and Moonshot have names of their own.
        .or_else(|| count(usage, "prompt_cache_hit_tokens"))
        .or_else(|| count(usage, "cached_tokens"))
        .unwrap_or(0);
    let cache_written = detail("prompt_tokens_details", "cache_write_tokens").unwrap_or(0);
    let reasoning = detail("completion_tokens_details", "reasoning_tokens").unwrap_or(0);
    Usage {
        input,
        cached: cached.min(input),
        cache_written: cache_written.min(input),
        output,
        reasoning: reasoning.min(output),
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Plain {
    Text,
    Reasoning,
    Refusal,
}

/// The parts of an answer as they open and close.
#[derive(Debug, Default)]
struct Parts {
    next: u32,
    plain: Option<(u32, Plain)>,
    calls: Vec<Call>,
    call_stem: String,
}

#[derive(Debug)]
struct Call {
    index: Option<u64>,
    /// Escaped; empty until known.
    id: String,
    state: CallState,
    progress: Progress,
}

#[derive(Debug)]
enum CallState {
    /// The name has not come yet; these arguments wait for it.
    Unnamed(String),
    Open(u32),
    Closed,
}

impl Parts {
    fn open(&mut self, kind: Opening<'_>, sink: &mut impl FnMut(Event<'_>)) -> u32 {
        let part = self.next;
        self.next += 1;
        sink(Event::Open { part, kind });
        part
    }

    fn thought(&mut self, piece: Piece<'_>, sink: &mut impl FnMut(Event<'_>)) {
        match piece {
            Piece::Thought(text) => self.plain(Plain::Reasoning, Escaped::plain(text), sink),
            Piece::Said(text) => self.plain(Plain::Text, Escaped::plain(text), sink),
        }
    }

    fn plain(&mut self, kind: Plain, text: Escaped<'_>, sink: &mut impl FnMut(Event<'_>)) {
        if text.is_empty() {
            return;
        }
        let part = match self.plain {
            Some((part, open)) if open == kind => part,
            _ => {
                self.close_plain(sink);
                self.close_whole_calls(sink);
                let opening = match kind {
                    Plain::Text => Opening::Text,
                    Plain::Reasoning => Opening::Reasoning,
                    Plain::Refusal => Opening::Refusal,
                };
                let part = self.open(opening, sink);
                self.plain = Some((part, kind));
                part
            }
        };
        sink(Event::Delta { part, text });
    }

    fn close_plain(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        if let Some((part, _)) = self.plain.take() {
            sink(Event::Close { part });
        }
    }

    fn close_whole_calls(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        for call in &mut self.calls {
            if let CallState::Open(part) = call.state
                && call.progress.is_complete()
            {
                call.state = CallState::Closed;
                sink(Event::Close { part });
            }
        }
    }

    /// Closes what is open at the end. Calls whose arguments broke off stay open when the answer
    /// was cut short; a model that simply wrote no arguments made a whole call.
    fn close_all(&mut self, whole: bool, sink: &mut impl FnMut(Event<'_>)) {
        self.close_plain(sink);
        self.close_whole_calls(sink);
        if whole {
            for call in &mut self.calls {
                if let CallState::Open(part) = call.state {
                    call.state = CallState::Closed;
                    sink(Event::Close { part });
                }
            }
        }
    }

    fn legacy_call(&mut self, function: Value<'_, '_>, sink: &mut impl FnMut(Event<'_>)) {
        let at = match self.calls.last() {
            Some(_) => self.calls.len() - 1,
            None => self.new_call(None, ""),
        };
        self.feed(at, Some(function), sink);
    }

    fn call(&mut self, call: Value<'_, '_>, sink: &mut impl FnMut(Event<'_>)) {
        let index = call.get("index").and_then(Value::as_u64);
        let id = call.get("id").and_then(Value::as_str).unwrap_or_default();
        let at = match self.find(index, &id) {
            Some(at) => at,
            None => self.new_call(index, id.escaped()),
        };
        if self.calls[at].id.is_empty() {
            id.escaped().clone_into(&mut self.calls[at].id);
        }
        self.feed(at, call.get("function"), sink);
    }

    /// The call that a delta continues: the newest with its index, unless it brings another id, as
    /// servers do that number every call 0; without an index the one with its id, or the last.
    fn find(&self, index: Option<u64>, id: &Escaped<'_>) -> Option<usize> {
        let same_id = |call: &Call| id.is_empty() || call.id.is_empty() || call.id == id.escaped();
        match index {
            Some(_) => self.calls.iter().rposition(|call| call.index == index).filter(|&at| same_id(&self.calls[at])),
            None if !id.is_empty() => self.calls.iter().rposition(|call| call.id == id.escaped()),
            None => self.calls.len().checked_sub(1),
        }
    }

    fn new_call(&mut self, index: Option<u64>, id: &str) -> usize {
        // Ids must tell the calls of a conversation apart.
        let id = if self.calls.iter().any(|call| call.id == id) { "" } else { id };
        self.calls.push(Call {
            index,
            id: id.to_owned(),
            state: CallState::Unnamed(String::new()),
            progress: Progress::default(),
        });
        self.calls.len() - 1
    }

    fn feed(
        &mut self,
        at: usize,
        function: Option<Value<'_, '_>>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        let Some(function) = function else { return };
        if let CallState::Unnamed(_) = self.calls[at].state
            && let Some(name) = function.get("name").and_then(Value::as_str)
            && !name.is_empty()
        {
            self.begin(at, &name, sink);
        }
        let arguments = match function.get("arguments").and_then(Value::non_null) {
            None => return,
            Some(value) => match value.as_str() {
                Some(text) => text,
                // Ollama's own form: an object instead of a text.
                None => Escaped::plain(value.raw()),
            },
        };
        if arguments.is_empty() {
            return;
        }
        let call = &mut self.calls[at];
        match &mut call.state {
            CallState::Unnamed(waiting) => {
                call.progress.push(arguments.escaped());
                waiting.push_str(arguments.escaped());
            }
            CallState::Open(part) => {
                call.progress.push(arguments.escaped());
                sink(Event::Delta { part: *part, text: arguments });
            }
            // Only a space can follow a whole object.
            CallState::Closed => {}
        }
    }

    fn begin(&mut self, at: usize, name: &Escaped<'_>, sink: &mut impl FnMut(Event<'_>)) {
        self.close_plain(sink);
        self.close_whole_calls(sink);
        if self.calls[at].id.is_empty() {
            self.calls[at].id = format!("{}{at}", self.call_stem);
        }
        let id: Cow<'_, str> = Cow::Owned(self.calls[at].id.clone());
        let part = self.open(Opening::Call { id: Escaped::trusted(id), name: name.borrow() }, sink);
        let before = std::mem::replace(&mut self.calls[at].state, CallState::Open(part));
        if let CallState::Unnamed(waiting) = before
            && !waiting.is_empty()
        {
            sink(Event::Delta { part, text: Escaped::trusted(waiting) });
        }
    }
}
