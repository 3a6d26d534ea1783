//! Responses answers as events: a stream event by event, or a whole answer at once.
//!
//! OpenAI says everything three times: in pieces, when a part is done, and at the end. Others say
//! it once, in any of the three places. So what has been given out is tallied for each item, and
//! what a later event adds to it is given out then, never twice ([`super::slot`]).

use super::slot::Slots;
use crate::answer::Ending;
use crate::fault::{Fault, Kind, Phase};
use crate::json::{Escaped, Kind as Json, Tape, Value};
use crate::said;
use crate::sse::Frame;
use crate::target::Target;
use crate::turn::{End, Event, Finish, Usage};

/// The reader of one answer.
#[derive(Debug)]
pub struct Decoder {
    tape: Tape,
    slots: Slots,
    ended: bool,
}

/// The members of one event that say what it is about.
#[derive(Clone, Copy, Default)]
pub(super) struct Place<'t, 'a> {
    pub(super) output_index: Option<u64>,
    /// `content_index` or `summary_index`.
    pub(super) part_index: Option<u64>,
    pub(super) item_id: Option<Value<'t, 'a>>,
}

impl Decoder {
    /// A reader for answers of `target`. Calls without an id get one that starts with `call_stem`,
    /// which must be unique among all answers of a conversation.
    pub fn new(_: &Target, call_stem: &str) -> Self {
        Self { tape: Tape::default(), slots: Slots::new(call_stem), ended: false }
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
        match (frame.event, frame.data) {
            (_, "" | "[DONE]") => {}
            // These repeat the whole request and say nothing of the answer.
            ("response.created" | "response.in_progress" | "response.queued", _) => {}
            (name, data) => self.document(data, sink, |decoder, value, sink| {
                decoder.event(name, value, sink);
            }),
        }
    }

    /// Takes a whole answer.
    pub fn answer(&mut self, body: &str, sink: &mut impl FnMut(Event<'_>)) {
        self.document(body, sink, |decoder, value, sink| {
            if value.get("output").is_some_and(|output| output.kind() == Json::Array) {
                decoder.response(value, "", sink);
            } else {
                let fault = said::in_stream(value)
                    .unwrap_or_else(|| protocol("the upstream's answer has no output"));
                decoder.fail(fault, sink);
            }
        });
        self.end(Ending::Closed, sink);
    }

    /// Ends the answer, if it has not ended by itself.
    pub fn end(&mut self, how: Ending, sink: &mut impl FnMut(Event<'_>)) {
        match how {
            Ending::Closed => {
                let text = "the upstream closed the stream before the answer was finished";
                self.fail(Fault { phase: Phase::Sent, ..Fault::new(Kind::Cut, text) }, sink);
            }
            Ending::Broken(fault) => self.fail(fault, sink),
        }
    }

    fn fail(&mut self, fault: Fault, sink: &mut impl FnMut(Event<'_>)) {
        if !self.ended {
            self.ended = true;
            sink(Event::End(End::Failed(fault)));
        }
    }

    fn document<S: FnMut(Event<'_>)>(
        &mut self,
        text: &str,
        sink: &mut S,
        read: impl FnOnce(&mut Self, Value<'_, '_>, &mut S),
    ) {
        let mut tape = std::mem::take(&mut self.tape);
        match tape.scan(text).map(|()| tape.root(text)) {
            Ok(value) if value.kind() == Json::Object => {
                self.slots.numbers.has_halves = tape.has_halves();
                read(self, value, sink);
            }
            Ok(value) => {
                let text =
                    format!("the upstream sent {} where an object belongs", value.kind().name());
                self.fail(protocol(text), sink);
            }
            Err(error) if error.offset >= text.len() => {
                self.fail(protocol("the upstream broke off in the middle of what it sent"), sink);
            }
            Err(error) => {
                self.fail(protocol(format!("the upstream sent what is not JSON: {error}")), sink);
            }
        }
        self.tape = tape;
    }

    fn event(&mut self, name: &str, event: Value<'_, '_>, sink: &mut impl FnMut(Event<'_>)) {
        let mut place = Place::default();
        let mut kind = Escaped::default();
        let (mut text, mut object) = (None, None);
        for (key, value) in event.members() {
            match key.escaped() {
                "type" => kind = value.as_str().unwrap_or_default(),
                "output_index" => place.output_index = value.as_u64(),
                "content_index" | "summary_index" => place.part_index = value.as_u64(),
                "item_id" => place.item_id = Some(value),
                // Each kind of event has one of these, or one of those.
                "delta" | "text" | "refusal" | "arguments" | "input" => text = value.as_str(),
                "part" | "item" | "annotation" | "response" => object = value.non_null(),
                _ => {}
            }
        }
        // Some servers name events in the frame alone.
        let kind = if kind.is_empty() { name } else { kind.escaped() };
        let slots = &mut self.slots;
        match (kind, text, object) {
            ("response.output_text.delta", Some(text), _) => slots.text(place, false, text, sink),
            ("response.refusal.delta", Some(text), _) => slots.text(place, true, text, sink),
            (
                "response.function_call_arguments.delta" | "response.custom_tool_call_input.delta",
                Some(text),
                _,
            ) => slots.call(place, text, sink),
            ("response.reasoning_summary_text.delta", Some(text), _) => {
                slots.thought(place, true, text, sink);
            }
            // Open Responses calls the second so.
            ("response.reasoning_text.delta" | "response.reasoning.delta", Some(text), _) => {
                slots.thought(place, false, text, sink);
            }
            ("response.output_text.done", Some(text), _) => {
                slots.whole_text(place, false, text, sink);
            }
            ("response.refusal.done", Some(text), _) => slots.whole_text(place, true, text, sink),
            (
                "response.function_call_arguments.done" | "response.custom_tool_call_input.done",
                Some(text),
                _,
            ) => slots.whole_call(place, text, sink),
            ("response.output_text.annotation.added", _, Some(annotation)) => {
                slots.cite(place, annotation, sink);
            }
            ("response.content_part.done", _, Some(part)) => slots.part(place, part, sink),
            ("response.output_item.added", _, Some(item)) => slots.added(place, item, sink),
            ("response.output_item.done", _, Some(item)) => slots.done(place, item, sink),
            (
                "response.completed"
                | "response.incomplete"
                | "response.failed"
                | "response.cancelled"
                | "response.done",
                _,
                response,
            ) => {
                // The event ends the answer even where it brings nothing.
                let response = response.unwrap_or(event);
                self.response(response, kind.trim_start_matches("response."), sink);
            }
            ("error", ..) => {
                let fault = said::in_stream(event).unwrap_or_else(|| {
                    upstream("the upstream reported an error without saying why")
                });
                self.fail(fault, sink);
            }
            // What has no type is no event, but perhaps an error or an answer that came whole.
            ("", ..) => {
                if let Some(fault) = said::in_stream(event) {
                    self.fail(fault, sink);
                } else if event.get("output").is_some_and(|output| output.kind() == Json::Array) {
                    self.response(event, "", sink);
                }
            }
            // The rest says nothing that is not said elsewhere, or is not asked for.
            _ => {}
        }
    }

    /// Takes the response object that ends the answer. `event` is what its event is called; a whole
    /// answer has none.
    fn response(&mut self, response: Value<'_, '_>, event: &str, sink: &mut impl FnMut(Event<'_>)) {
        let mut status = Escaped::default();
        let (mut output, mut usage, mut reason) = (None, None, None);
        for (key, value) in response.members() {
            match key.escaped() {
                "status" => status = value.as_str().unwrap_or_default(),
                "output" => output = Some(value),
                "usage" => usage = value.non_null(),
                "incomplete_details" => reason = value.get("reason").and_then(Value::as_str),
                _ => {}
            }
        }
        // The event's name counts: not every server gives the object its last status.
        let status = match event {
            "" | "done" => status.text().into_owned(),
            event => event.to_owned(),
        };
        let error = response.get("error").and_then(Value::non_null);
        let finish = match status.as_str() {
            _ if error.is_some() => None,
            "" | "completed" => Some(Finish::Stop),
            "incomplete" => Some(match reason {
                Some(reason) if reason.is("max_output_tokens") => Finish::Length,
                Some(reason) if reason.is("content_filter") => Finish::Filtered,
                // `max_tool_calls`, and whatever else keeps an answer from its end.
                Some(_) => Finish::Paused,
                None => Finish::Length,
            }),
            _ => None,
        };
        // After a failure clients repeat the request: what it brought late would stand twice.
        for (index, item) in
            output.filter(|_| finish.is_some()).into_iter().flat_map(Value::elements).enumerate()
        {
            self.slots.repeated(index as u64, item, sink);
        }
        let searches = self.slots.searches();
        if let Some(usage) = usage.and_then(crate::usage::responses) {
            sink(Event::Usage(Usage { searches, ..usage }));
        }
        let Some(finish) = finish else {
            let fault = said::in_stream(response).unwrap_or_else(|| match status.as_str() {
                "cancelled" => upstream("the upstream cancelled the answer"),
                "in_progress" | "queued" => protocol("the upstream answered before it was done"),
                _ => upstream("the upstream reports that it failed without saying why"),
            });
            return self.fail(Fault { phase: Phase::Sent, ..fault }, sink);
        };
        let whole = finish == Finish::Stop;
        if whole && self.slots.has_nameless_call() {
            return self.fail(protocol("the upstream called a tool without naming it"), sink);
        }
        self.slots.close_all(whole, sink);
        let finish = match finish {
            Finish::Stop if self.slots.has_calls() => Finish::Calls,
            finish => finish,
        };
        self.ended = true;
        sink(Event::End(End::Finished(finish)));
    }
}

fn protocol(text: impl Into<String>) -> Fault {
    Fault { phase: Phase::Sent, ..Fault::new(Kind::Protocol, text) }
}

fn upstream(text: &str) -> Fault {
    Fault { phase: Phase::Sent, ..Fault::new(Kind::Upstream, text) }
}
