//! Chat Completions answers as events: a stream chunk by chunk, or a whole answer at once.
//!
//! What opens and closes is [`super::open`]'s business. The end is held back until the stream is over,
//! since usage may follow the finish.

use super::open::{Parts, Plain};
use super::think::ThinkTags;
use crate::answer::Ending;
use crate::fault::{Fault, Kind, Phase};
use crate::json::{Escaped, Kind as Json, Tape, Value};
use crate::partial::Halves;
use crate::said;
use crate::sse::Frame;
use crate::target::{Quirk, Target};
use crate::turn::{End, Event, Finish};
use crate::usage;

/// The reader of one answer.
#[derive(Debug)]
pub struct Decoder {
    tape: Tape,
    parts: Parts,
    finish: Option<Finish>,
    /// The finish reason says that something went wrong.
    failed: Option<Fault>,
    think: Option<ThinkTags>,
    /// Reasoning came beside the text: thinking inside of the text says the same again.
    thinks_apart: bool,
    repeats: Repeats,
    /// Half of a character that ended the last piece of this kind of text.
    half: (Plain, Halves),
    ended: bool,
}

impl Decoder {
    /// A reader for answers of `target`. Calls without an id get one that starts with `call_stem`,
    /// which must be unique among all answers of a conversation.
    pub fn new(target: &Target, call_stem: &str) -> Self {
        Self {
            tape: Tape::default(),
            parts: Parts::new(call_stem),
            finish: None,
            failed: None,
            think: target.has(Quirk::ThinkTags).then(ThinkTags::default),
            thinks_apart: false,
            repeats: match target.has(Quirk::CumulativeReasoning) {
                true => Repeats::SoFar(String::new()),
                false => Repeats::Never,
            },
            half: (Plain::Text, Halves::default()),
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
        // A body that is whole JSON was not cut, whatever it forgets to say.
        if self.finish.is_none() && self.failed.is_none() {
            self.finish = Some(Finish::Other(String::new()));
        }
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
        match tape.scan(text).map(|()| tape.root(text)) {
            Ok(chunk) if chunk.kind() == Json::Object => {
                self.parts.has_halves = tape.has_halves();
                self.chunk(chunk, member, sink);
            }
            Ok(chunk) => {
                let fault = said::in_stream(chunk).unwrap_or_else(|| {
                    let found = chunk.kind().name();
                    protocol(format!("the upstream sent {found} where an object belongs"))
                });
                self.fail(fault, sink);
            }
            // Whatever comes after the finish adds nothing to the answer but its usage.
            Err(_) if self.finish.is_some() => {}
            Err(error) if error.offset >= text.len() => {
                self.fail(protocol("the upstream broke off in the middle of what it sent"), sink);
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
                "choices" => choice = first_choice(value),
                "usage" => usage = value.non_null(),
                "error" | "base_resp" | "message" | "detail" => suspicious = true,
                _ => {}
            }
        }
        if suspicious && let Some(fault) = said::in_stream(chunk) {
            return self.fail(fault, sink);
        }
        if let Some(choice) = choice {
            let (mut reason, mut sequence) = (None, None);
            for (key, value) in choice.members() {
                match key.escaped() {
                    key if key == member => self.delta(value, sink),
                    "finish_reason" => reason = value.as_str(),
                    // vLLM; a number there is a token.
                    "stop_reason" => sequence = value.as_str(),
                    // Moonshot puts usage here.
                    "usage" => usage = usage.or(value.non_null()),
                    _ => {}
                }
            }
            if let Some(reason) = reason {
                self.finish(&reason, sequence);
            }
        } else if member == "message" && !self.ended {
            return self.fail(protocol("the upstream's answer has no choices"), sink);
        }
        if !self.ended
            && let Some(usage) = usage.and_then(usage::chat)
        {
            sink(Event::Usage(usage));
        }
    }

    fn finish(&mut self, reason: &Escaped<'_>, sequence: Option<Escaped<'_>>) {
        let failed =
            |kind, text: &str| Some(Fault { phase: Phase::Sent, ..Fault::new(kind, text) });
        self.finish = Some(match reason.text().as_ref() {
            // Some servers send an empty reason with every chunk.
            "" => return,
            "stop" => match sequence.filter(is_sequence) {
                Some(sequence) => Finish::Sequence(sequence.text().into_owned()),
                None => Finish::Stop,
            },
            "end_turn" | "eos" | "stop_sequence" => Finish::Stop,
            "tool_calls" | "function_call" | "tool_use" => Finish::Calls,
            "length" | "max_tokens" => Finish::Length,
            "content_filter" | "sensitive" => Finish::Filtered,
            "model_context_window_exceeded" => {
                self.failed = failed(
                    Kind::TooLong,
                    "the conversation does not fit the model's context window",
                );
                return;
            }
            "insufficient_system_resource" => {
                self.failed = failed(Kind::Overloaded, "the upstream ran out of resources");
                return;
            }
            "network_error" | "error" | "abort" => {
                self.failed =
                    failed(Kind::Upstream, "the upstream reports that it failed while it answered");
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
        self.flush(sink);
        // A call that was cut by a limit must not look whole.
        let whole = !finish.is_cut();
        if whole && self.parts.has_nameless_call() {
            return self.fail(protocol("the upstream called a tool without naming it"), sink);
        }
        self.parts.close_all(whole, sink);
        self.ended = true;
        sink(Event::End(End::Finished(finish)));
    }

    fn fail(&mut self, fault: Fault, sink: &mut impl FnMut(Event<'_>)) {
        if !self.ended {
            // A name was generated, so that the fault is part of an answer.
            self.parts.open_named(None, sink);
            self.ended = true;
            sink(Event::End(End::Failed(fault)));
        }
    }

    fn delta(&mut self, delta: Value<'_, '_>, sink: &mut impl FnMut(Event<'_>)) {
        let mut reasoning = None;
        let mut details = None;
        let said = |value: Value<'_, '_>| value.as_str().is_some_and(|text| !text.is_empty());
        for (key, value) in delta.members() {
            match key.escaped() {
                "reasoning_content" if said(value) => reasoning = Some(value),
                "reasoning" if said(value) => reasoning = reasoning.or(Some(value)),
                "reasoning_details" => details = value.non_null(),
                _ => {}
            }
        }
        // A server that sends several of them means the same by each.
        if let Some(text) = reasoning.and_then(Value::as_str) {
            self.thinks_apart = true;
            self.speak(Plain::Reasoning, text, sink);
        } else if let Some(details) = details {
            self.details(details, sink);
        }
        for (key, value) in delta.members() {
            match key.escaped() {
                "content" => self.content(value, sink),
                "refusal" => {
                    if let Some(text) = value.as_str() {
                        self.speak(Plain::Refusal, text, sink);
                    }
                }
                "tool_calls" => {
                    for call in value.elements() {
                        self.flush(sink);
                        self.parts.call(call, sink);
                    }
                }
                // The form before tools, still used by some servers.
                "function_call" if value.kind() == Json::Object => {
                    self.flush(sink);
                    self.parts.legacy_call(value, sink);
                }
                _ => {}
            }
        }
    }

    /// Takes more of a text. What looks like thinking inside of it is told apart.
    fn speak(&mut self, kind: Plain, text: Escaped<'_>, sink: &mut impl FnMut(Event<'_>)) {
        if self.half.0 != kind && !self.half.1.is_empty() {
            self.flush(sink);
        }
        let text = if self.parts.has_halves || !self.half.1.is_empty() {
            self.half.0 = kind;
            Escaped::trusted(self.half.1.mend(text.escaped()))
        } else {
            text
        };
        let parts = &mut self.parts;
        match &mut self.think {
            Some(think) if kind == Plain::Text => {
                let mirrored = self.thinks_apart;
                think.push(&text.text(), &mut |piece| parts.thought(piece, mirrored, sink));
            }
            _ => parts.plain(kind, text, sink),
        }
    }

    /// Hands out what was held back, since something else follows.
    fn flush(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        let parts = &mut self.parts;
        if let Some(half) = self.half.1.end() {
            parts.plain(self.half.0, Escaped::trusted(half), sink);
        }
        if let Some(think) = &mut self.think {
            let mirrored = self.thinks_apart;
            think.end(&mut |piece| parts.thought(piece, mirrored, sink));
        }
    }

    fn content(&mut self, value: Value<'_, '_>, sink: &mut impl FnMut(Event<'_>)) {
        match value.kind() {
            Json::String => self.speak(Plain::Text, value.as_str().unwrap_or_default(), sink),
            // Mistral sends parts, with thinking among them.
            Json::Array => {
                for part in value.elements() {
                    if let Some(text) = part.get("text").and_then(Value::as_str) {
                        self.speak(Plain::Text, text, sink);
                    }
                    for thought in part.get("thinking").into_iter().flat_map(Value::elements) {
                        if let Some(text) = thought.get("text").and_then(Value::as_str) {
                            self.speak(Plain::Reasoning, text, sink);
                        }
                    }
                }
            }
            _ => {}
        }
    }

    fn details(&mut self, details: Value<'_, '_>, sink: &mut impl FnMut(Event<'_>)) {
        let texts = details.elements().filter_map(|entry| {
            entry.get("text").or_else(|| entry.get("summary")).and_then(Value::as_str)
        });
        if self.repeats == Repeats::Never {
            for text in texts {
                self.thinks_apart = true;
                self.speak(Plain::Reasoning, text, sink);
            }
            return;
        }
        let all: String = texts.map(|text| text.escaped().to_owned()).collect();
        if all.is_empty() {
            return;
        }
        self.thinks_apart = true;
        let new = self.repeats.new_in(all);
        self.speak(Plain::Reasoning, Escaped::trusted(new), sink);
    }
}

/// Whether each chunk repeats the reasoning from the start. Servers that are documented to do so
/// were seen to send plain pieces (github.com/MiniMax-AI/MiniMax-M2/issues/95): a chunk that does
/// not begin with the one before it settles the question.
#[derive(Debug, PartialEq, Eq)]
enum Repeats {
    Never,
    /// As far as is known; this came last.
    SoFar(String),
}

impl Repeats {
    fn new_in(&mut self, all: String) -> String {
        let Self::SoFar(before) = self else { return all };
        match all.strip_prefix(before.as_str()).map(str::to_owned) {
            Some(new) => {
                *self = Self::SoFar(all);
                new
            }
            None => {
                *self = Self::Never;
                all
            }
        }
    }
}

/// The choice that counts: with several, each of their chunks may hold another one.
fn first_choice<'t, 'a>(choices: Value<'t, 'a>) -> Option<Value<'t, 'a>> {
    choices.elements().find(|one| one.get("index").and_then(Value::as_u64).unwrap_or(0) == 0)
}

/// Whether this is a text that stops the model, and not the reason once more.
fn is_sequence(text: &Escaped<'_>) -> bool {
    !matches!(text.escaped(), "" | "stop" | "end_turn" | "eos" | "stop_sequence")
}

fn cut() -> Fault {
    let text = "the upstream closed the stream before the answer was finished";
    Fault { phase: Phase::Sent, ..Fault::new(Kind::Cut, text) }
}

fn protocol(text: impl Into<String>) -> Fault {
    Fault { phase: Phase::Sent, ..Fault::new(Kind::Protocol, text) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;
    use crate::turn::Opening;

    /// The events of a stream of these chunks, in short.
    fn told(chunks: &[&str]) -> Vec<String> {
        let mut decoder = Decoder::new(&Target::careful(Dialect::Chat), "quire_");
        let mut told = Vec::new();
        let mut sink = |event: Event<'_>| {
            told.push(match event {
                Event::Open { part, kind: Opening::Call { id, name, .. } } => {
                    format!("{part} calls {} as {}", name.text(), id.text())
                }
                Event::Open { part, .. } => format!("{part} opens"),
                Event::Delta { part, text } => format!("{part} says {}", text.text()),
                Event::Close { part } => format!("{part} closes"),
                Event::End(End::Finished(finish)) => format!("{finish:?}"),
                other => format!("{other:?}"),
            });
        };
        for data in chunks {
            decoder.push(Frame { event: "", data }, &mut sink);
        }
        decoder.end(Ending::Closed, &mut sink);
        told
    }

    #[test]
    fn the_stop_sequence_that_vllm_names_is_told() {
        for (members, finish) in [
            (r#""finish_reason":"stop","stop_reason":"\n\nUser:""#, "Sequence(\"\\n\\nUser:\")"),
            (r#""stop_reason":"END","finish_reason":"stop""#, "Sequence(\"END\")"),
            (r#""finish_reason":"stop","stop_reason":128009"#, "Stop"),
            (r#""finish_reason":"stop","stop_reason":null"#, "Stop"),
            (r#""finish_reason":"stop","stop_reason":"stop""#, "Stop"),
            (r#""finish_reason":"tool_calls","stop_reason":"END""#, "Calls"),
        ] {
            let chunk = format!(r#"{{"choices":[{{"delta":{{}},{members}}}]}}"#);
            assert_eq!(told(&[&chunk]), [finish], "{members}");
        }
    }

    fn calls(calls: &str) -> String {
        format!(r#"{{"choices":[{{"delta":{{"tool_calls":[{calls}]}}}}]}}"#)
    }

    #[test]
    fn a_name_that_comes_in_two_deltas_is_one() {
        let end = r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#;
        let named = calls(
            r#"{"index":0,"id":"a","type":"function","function":{"name":"get_","arguments":""}}"#,
        );
        let more = calls(r#"{"index":0,"function":{"name":"weather","arguments":""}}"#);
        let arguments = calls(r#"{"index":0,"function":{"arguments":"{}"}}"#);
        let whole = ["0 calls get_weather as a", "0 says {}", "0 closes", "Calls"];
        assert_eq!(told(&[&named, &more, &arguments, end]), whole);
        let both = calls(r#"{"index":0,"function":{"name":"weather","arguments":"{}"}}"#);
        assert_eq!(told(&[&named, &both, end]), whole);
        // Without arguments it is whole when something else follows.
        let empty = ["0 calls get_weather as a", "0 closes", "Calls"];
        assert_eq!(told(&[&named, &more, end]), empty);
        let other = calls(r#"{"index":1,"id":"b","function":{"name":"g","arguments":"{}"}}"#);
        assert_eq!(
            told(&[&named, &more, &other, &arguments, end]),
            [
                "0 calls get_weather as a",
                "1 calls g as b",
                "1 says {}",
                "0 says {}",
                "0 closes",
                "1 closes",
                "Calls"
            ]
        );
        let text = r#"{"choices":[{"delta":{"content":"so"}}]}"#;
        let between =
            ["0 calls get_ as a", "1 opens", "1 says so", "1 closes", "0 closes", "Calls"];
        assert_eq!(told(&[&named, text, end]), between);
        assert_eq!(told(&[&named, &more])[0], "0 calls get_weather as a", "it was cut");
    }

    #[test]
    fn another_name_is_another_call_where_nothing_says_that_it_is_the_same() {
        let end = r#"{"choices":[{"delta":{},"finish_reason":"tool_calls"}]}"#;
        let two = ["0 calls f as quire_0", "1 calls g as quire_1", "0 closes", "1 closes", "Calls"];
        let (f, g) = (r#"{"function":{"name":"f"}}"#, r#"{"function":{"name":"g"}}"#);
        assert_eq!(told(&[&calls(f), &calls(g), end]), two);
        let numbered = |call: &str| calls(&call.replacen('{', "{\"index\":0,", 1));
        assert_eq!(told(&[&numbered(f), &numbered(g), end]), two);
        // Some repeat the name with every piece.
        let repeated = r#"{"index":0,"id":"a","function":{"name":"f","arguments":""}}"#;
        assert_eq!(
            told(&[&calls(repeated), &calls(repeated), end]),
            ["0 calls f as a", "0 closes", "Calls"]
        );
    }

    #[test]
    fn an_error_in_an_array_is_told_in_its_own_words() {
        let told = told(&[r#"[{"error":{"code":429,"message":"slow"}}]"#]).concat();
        assert!(told.contains("RateLimited") && told.contains("slow"), "{told}");
    }
}
