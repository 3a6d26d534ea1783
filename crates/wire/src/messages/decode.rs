//! Messages answers as events: a stream event by event, or a whole answer at once.
//!
//! Messages name the opening and closing of their blocks, so each becomes a part as it comes. The end
//! is held back until the stream is over, since servers that copy the dialect may stop without the
//! last event.

use super::open::{Blocks, Said};
use crate::answer::Ending;
use crate::fault::{Fault, Kind, Phase};
use crate::json::{Kind as Json, Tape, Value};
use crate::said;
use crate::sse::Frame;
use crate::target::Target;
use crate::turn::{End, Event, Finish, Usage};
use crate::usage;

/// The reader of one answer.
#[derive(Debug)]
pub struct Decoder {
    tape: Tape,
    blocks: Blocks,
    usage: Option<Usage>,
    finish: Option<Finish>,
    ended: bool,
}

impl Decoder {
    /// A reader for answers of `target`. Calls without an id get one that starts with `call_stem`,
    /// which must be unique among all answers of a conversation.
    pub fn new(_target: &Target, call_stem: &str) -> Self {
        Self {
            tape: Tape::default(),
            blocks: Blocks::new(call_stem),
            usage: None,
            finish: None,
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
            // Some servers end like those of Chat Completions.
            "[DONE]" => self.stopped(sink),
            data => self.document(data, false, sink),
        }
    }

    /// Takes a whole answer.
    pub fn answer(&mut self, body: &str, sink: &mut impl FnMut(Event<'_>)) {
        self.document(body, true, sink);
        // A body that is whole JSON was not cut, whatever it forgets to say.
        if !self.ended {
            self.stopped(sink);
        }
    }

    /// Ends the answer, if it has not ended by itself.
    pub fn end(&mut self, how: Ending, sink: &mut impl FnMut(Event<'_>)) {
        if self.ended {
            return;
        }
        match how {
            // The stop reason comes after everything else.
            _ if self.finish.is_some() => self.finished(sink),
            Ending::Closed => {
                let text = "the upstream closed the stream before the answer was finished";
                self.fail(Fault { phase: Phase::Sent, ..Fault::new(Kind::Cut, text) }, sink);
            }
            Ending::Broken(fault) => self.fail(fault, sink),
        }
    }

    fn document(&mut self, text: &str, whole: bool, sink: &mut impl FnMut(Event<'_>)) {
        let mut tape = std::mem::take(&mut self.tape);
        match tape.scan(text).map(|()| tape.root(text)) {
            Ok(value) if value.kind() == Json::Object => {
                self.blocks.has_halves = tape.has_halves();
                match whole {
                    true => self.message(value, sink),
                    false => self.event(value, sink),
                }
            }
            Ok(value) => {
                let text =
                    format!("the upstream sent {} where an object belongs", value.kind().name());
                self.fail(protocol(text), sink);
            }
            // Whatever comes after the finish adds nothing to the answer.
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

    fn event(&mut self, event: Value<'_, '_>, sink: &mut impl FnMut(Event<'_>)) {
        let (mut kind, mut index, mut body, mut usage) = (None, None, None, None);
        let (mut is_error, mut is_flat) = (false, false);
        for (key, value) in event.members() {
            match key.escaped() {
                "type" => kind = value.as_str(),
                "index" => index = value.as_u64(),
                "delta" | "content_block" | "message" if value.kind() == Json::Object => {
                    body = Some(value);
                }
                "usage" => usage = value.non_null(),
                "error" | "base_resp" => is_error |= !value.is_null(),
                "message" | "detail" => is_flat = true,
                _ => {}
            }
        }
        let kind = kind.as_ref().map_or("", |kind| kind.escaped());
        // Gateways put errors of other forms into a stream, which have no type, or that one.
        let suspicious = is_error || is_flat && matches!(kind, "" | "error");
        if suspicious && let Some(fault) = said::in_stream(event) {
            return self.fail(fault, sink);
        }
        match (kind, body) {
            ("content_block_delta", Some(delta)) => self.delta(index, delta, sink),
            ("content_block_start", Some(block)) => self.start(index, block, sink),
            ("content_block_stop", _) => self.blocks.stop(index, sink),
            ("message_start", Some(message)) => {
                self.count(message.get("usage"), sink);
                // Always empty, but nobody says that it must be.
                self.content(message, sink);
            }
            ("message_delta", body) => {
                self.count(usage, sink);
                if let Some(delta) = body {
                    self.stop_reason(delta);
                }
            }
            ("message_stop", _) => self.stopped(sink),
            // `ping`, and whatever is invented later.
            _ => {}
        }
    }

    fn message(&mut self, message: Value<'_, '_>, sink: &mut impl FnMut(Event<'_>)) {
        let has_content = message.get("content").is_some_and(|list| list.kind() == Json::Array);
        if !has_content || message.get("error").and_then(Value::non_null).is_some() {
            let fault = said::in_stream(message);
            let fault = fault.or_else(|| {
                (!has_content).then(|| protocol("the upstream's answer has no content"))
            });
            if let Some(fault) = fault {
                return self.fail(fault, sink);
            }
        }
        self.content(message, sink);
        self.count(message.get("usage"), sink);
        self.stop_reason(message);
    }

    fn content(&mut self, message: Value<'_, '_>, sink: &mut impl FnMut(Event<'_>)) {
        let blocks = message.get("content").into_iter().flat_map(Value::elements);
        for (index, block) in (0..).zip(blocks) {
            if self.ended {
                return;
            }
            self.start(Some(index), block, sink);
            self.blocks.stop(Some(index), sink);
        }
    }

    fn start(
        &mut self,
        index: Option<u64>,
        block: Value<'_, '_>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        if self.blocks.start(index, block, sink).is_err() {
            self.fail(protocol("the upstream called a tool without naming it"), sink);
        }
    }

    fn delta(
        &mut self,
        index: Option<u64>,
        delta: Value<'_, '_>,
        sink: &mut impl FnMut(Event<'_>),
    ) {
        let (mut kind, mut text, mut citation) = (None, None, None);
        for (key, value) in delta.members() {
            match key.escaped() {
                "type" => kind = value.as_str(),
                "text" | "thinking" | "signature" | "partial_json" => text = value.as_str(),
                "citation" => citation = Some(value),
                _ => {}
            }
        }
        let said = match (kind.as_ref().map_or("", |kind| kind.escaped()), text, citation) {
            ("text_delta", Some(text), _) => Said::Text(text),
            ("input_json_delta", Some(text), _) => Said::Json(text),
            ("thinking_delta", Some(text), _) => Said::Thinking(text),
            ("signature_delta", Some(text), _) => Said::Signature(text),
            ("citations_delta", _, Some(citation)) => Said::Citation(citation),
            _ => return,
        };
        self.blocks.delta(index, said, sink);
    }

    /// What the answer costs so far. What a later count leaves out, or calls nothing, stays.
    fn count(&mut self, value: Option<Value<'_, '_>>, sink: &mut impl FnMut(Event<'_>)) {
        let before = self.usage.unwrap_or_default();
        let Some(mut usage) = value.and_then(|value| usage::messages(value, self.usage)) else {
            return;
        };
        let fresh = |usage: Usage| usage.input.saturating_sub(usage.cached + usage.cache_written);
        if fresh(usage) == 0 {
            usage.input += fresh(before);
        }
        self.usage = Some(usage);
        // Servers that count nothing send noughts.
        if usage.total() > 0 {
            sink(Event::Usage(usage));
        }
    }

    fn stop_reason(&mut self, at: Value<'_, '_>) {
        let text =
            |name: &str| at.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
        let Some(reason) = text("stop_reason") else { return };
        self.finish = Some(match reason.text().as_ref() {
            "end_turn" => Finish::Stop,
            "tool_use" => Finish::Calls,
            // The window is a limit like the other: what came until then is the answer.
            "max_tokens" | "model_context_window_exceeded" => Finish::Length,
            "pause_turn" => Finish::Paused,
            "refusal" => Finish::Filtered,
            "stop_sequence" => match text("stop_sequence") {
                Some(sequence) => Finish::Sequence(sequence.text().into_owned()),
                None => Finish::Stop,
            },
            other => Finish::Other(other.to_owned()),
        });
    }

    /// The server says that this was all.
    fn stopped(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        if self.finish.is_none() {
            self.finish = Some(Finish::Other(String::new()));
        }
        self.finished(sink);
    }

    fn finished(&mut self, sink: &mut impl FnMut(Event<'_>)) {
        let Some(finish) = self.finish.take() else { return };
        // A call that was cut must not look whole; nor one that nobody said was over.
        let unsaid = matches!(&finish, Finish::Other(reason) if reason.is_empty());
        let whole = !(finish.is_cut() || unsaid);
        self.blocks.close_all(whole, sink);
        self.ended = true;
        sink(Event::End(End::Finished(finish)));
    }

    fn fail(&mut self, fault: Fault, sink: &mut impl FnMut(Event<'_>)) {
        if !self.ended {
            self.ended = true;
            sink(Event::End(End::Failed(fault)));
        }
    }
}

fn protocol(text: impl Into<String>) -> Fault {
    Fault { phase: Phase::Sent, ..Fault::new(Kind::Protocol, text) }
}
