//! Events to a Chat Completions answer: server-sent chunks, or one object.
//!
//! Both come from the same machine, so a streamed answer and a whole one are equal. Chat has one
//! message with one text, so all texts of an answer become one; reasoning goes into
//! `reasoning_content`, and what the upstream wants back of it, sealed, into `reasoning_details`.
//! A call that the model believes to be whole but is not fails the answer: clients run calls as
//! soon as they read `finish_reason`.

use super::reasoning::Place;
use super::references::References;
use super::whole::{Call, Message};
use crate::answer::{Head, Setting, provenance};
use crate::fault::{Fault, Kind as FaultKind, Phase, Reader};
use crate::json::{Escaped, quote_into};
use crate::names::IdentityKind;
use crate::note::{Code, Notes};
use crate::partial::{Found, InputReader};
use crate::responses::fault;
use crate::thought::Thought;
use crate::turn::{
    Citation, End, Event, Finish, Form, Opaque, Opening, Sealed, Summary, Usage, Vault,
};
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Ends a chunk in the middle of the answer.
const GOES_ON: &str = "},\"logprobs\":null,\"finish_reason\":null}]}\n\n";
/// The name of the form in which quire seals reasoning, for whoever looks into it.
const FORMAT: &str = "quire-v1";

/// Writes the chunk that opens every stream; nothing if it was written before. Its text is empty
/// and not null, as OpenAI's own: code that adds up texts without looking takes both.
pub fn begin(head: &Head, out: &mut String) {
    if head.sequence.load(Ordering::Relaxed) == 0 {
        head.sequence.store(1, Ordering::Relaxed);
        opening(head, out);
        out.push_str("\"role\":\"assistant\",\"content\":\"\"");
        out.push_str(GOES_ON);
    }
}

/// Writes what resets the client's idle timer and is no chunk: every client passes over comments.
pub fn keep_alive(_: &Head, out: &mut String) {
    out.push_str(": keep-alive\n\n");
}

/// The start of a chunk or of a whole answer, up to its choices.
pub(super) fn start(head: &Head, object: &str, out: &mut String) {
    out.push_str("{\"id\":\"chatcmpl-");
    out.push_str(&head.stem);
    out.push_str("\",\"object\":\"");
    out.push_str(object);
    number("\",\"created\":", head.created_at, out);
    out.push_str(",\"model\":");
    quote_into(&head.model, out);
    out.push_str(",\"choices\":[");
}

/// The start of a chunk, up to the members of its delta.
fn opening(head: &Head, out: &mut String) {
    out.push_str("data: ");
    start(head, "chat.completion.chunk", out);
    out.push_str("{\"index\":0,\"delta\":{");
}

/// A part that has not ended.
struct Open {
    part: u32,
    kind: Kind,
}

enum Kind {
    Text {
        /// How many characters of the message came before.
        from: u64,
    },
    Refusal,
    Reasoning {
        /// Escaped.
        text: String,
        opaque: Option<Opaque<'static>>,
        place: Place,
    },
    Call {
        index: usize,
        name: String,
        /// With the reader that unwraps its input, where the model had to wrap it.
        form: CallForm,
        /// The frame of a delta up to its text.
        delta: String,
    },
    /// The provider searches; nothing of it is shown.
    Search,
}

enum CallForm {
    Function {
        /// Nothing but blanks so far.
        blank: bool,
    },
    Custom(Option<Box<InputReader>>),
}

/// The writer of one answer.
pub struct Encoder<V> {
    head: Arc<Head>,
    setting: Setting,
    vault: V,
    notes: Notes,
    /// The start of every chunk.
    opening: String,
    open: Vec<Open>,
    /// There was text.
    spoke: bool,
    calls: usize,
    sealed: u64,
    references: References,
    /// What is wrong with a call that the model believes to be whole.
    broken: Option<String>,
    usage: Option<Usage>,
    written: u64,
    /// The whole message, if it is wanted.
    message: Option<Message>,
    scratch: String,
    object: String,
    ended: Option<End>,
}

impl<V> std::fmt::Debug for Encoder<V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Encoder").field("head", &self.head).finish_non_exhaustive()
    }
}

impl<V: Vault> Encoder<V> {
    /// A writer for one answer; `notes` are those of the request.
    pub fn new(head: Arc<Head>, setting: Setting, vault: V, notes: Notes) -> Self {
        let mut opening = String::with_capacity(160);
        self::opening(&head, &mut opening);
        let message = setting.whole.then(Message::default);
        Self {
            head,
            setting,
            vault,
            notes,
            opening,
            open: Vec::new(),
            spoke: false,
            calls: 0,
            sealed: 0,
            references: References::default(),
            broken: None,
            usage: None,
            written: 0,
            message,
            scratch: String::new(),
            object: String::new(),
            ended: None,
        }
    }

    /// Whether the last event has been written.
    pub fn is_ended(&self) -> bool {
        self.ended.is_some()
    }

    /// How the answer ended for the client: an answer that its model believes to be finished can be
    /// of no use.
    pub fn ended(&self) -> Option<&End> {
        self.ended.as_ref()
    }

    /// What the answer cost, as far as it is known.
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// The notes so far.
    pub fn notes(&self) -> &Notes {
        &self.notes
    }

    /// The whole answer, once it has ended, if [`Setting::whole`] asked for it; where it failed, the
    /// error in its place.
    pub fn take_object(&mut self) -> String {
        std::mem::take(&mut self.object)
    }

    /// Takes one event and appends what it makes. `_now` is Unix time in seconds: a Chat answer bears
    /// only the time of its start.
    pub fn push(&mut self, event: Event<'_>, _now: u64, out: &mut String) {
        if self.is_ended() {
            return;
        }
        match event {
            Event::Open { part, kind } => self.open(part, kind, out),
            Event::Delta { part, text } => self.delta(part, &text, out),
            Event::Close { part } => {
                if let Some(at) = self.open.iter().position(|open| open.part == part) {
                    let open = self.open.remove(at);
                    self.close(open, out);
                }
            }
            Event::Seal { part, opaque: sealed } => {
                let open = self.open.iter_mut().rfind(|open| open.part == part);
                if let Some(Open { kind: Kind::Reasoning { opaque, .. }, .. }) = open {
                    *opaque = Some(sealed.into_owned());
                }
            }
            Event::Cite { part, citation } => self.cite(part, citation),
            Event::Found { sources, .. } => self.references.find(sources.unwrap_or_default()),
            Event::Usage(usage) => self.usage = Some(usage),
            Event::End(end) => self.end(end, out),
        }
    }

    fn open(&mut self, part: u32, kind: Opening<'_>, out: &mut String) {
        let kind = match kind {
            Opening::Text => {
                self.spoke = true;
                Kind::Text { from: self.references.here() }
            }
            Opening::Refusal if self.setting.for_codex => {
                self.notes.add(Code::RefusalAsText, "choices[].message.refusal");
                Kind::Text { from: self.references.here() }
            }
            Opening::Refusal => Kind::Refusal,
            Opening::Reasoning => {
                let place = Place::after(self.spoke, self.calls);
                Kind::Reasoning { text: String::new(), opaque: None, place }
            }
            Opening::Search { .. } => Kind::Search,
            Opening::Call { id, name, form } => self.call(&id, &name, form, out),
        };
        self.open.push(Open { part, kind });
    }

    /// Writes the start of a call.
    fn call(&mut self, id: &Escaped<'_>, name: &Escaped<'_>, form: Form, out: &mut String) -> Kind {
        let identity = self.setting.names.find(name);
        // The model may call what the client never declared: the client should know.
        let name = identity.map_or_else(|| name.escaped(), |identity| &identity.name).to_owned();
        let custom = identity.is_some_and(|identity| identity.kind == IdentityKind::Custom);
        let (form, kind, payload) = if custom {
            let reader = (form == Form::Arguments).then(Box::default);
            (CallForm::Custom(reader), "custom", "input")
        } else {
            (CallForm::Function { blank: true }, "function", "arguments")
        };
        let index = self.calls;
        self.calls += 1;
        let mut place = self.opening.clone();
        number("\"tool_calls\":[{\"index\":", index as u64, &mut place);
        out.push_str(&place);
        out.push_str(",\"id\":\"");
        out.push_str(id.escaped());
        for piece in ["\",\"type\":\"", kind, "\",\"", kind, "\":{\"name\":\"", &name] {
            out.push_str(piece);
        }
        for piece in ["\",\"", payload, "\":\"\"}}]", GOES_ON] {
            out.push_str(piece);
        }
        let mut delta = place;
        for piece in [",\"", kind, "\":{\"", payload, "\":\""] {
            delta.push_str(piece);
        }
        if let Some(message) = &mut self.message {
            let (id, name) = (id.escaped().to_owned(), name.clone());
            message.calls.push(Call { id, name, custom, payload: String::new() });
        }
        Kind::Call { index, name, form, delta }
    }

    fn delta(&mut self, part: u32, text: &Escaped<'_>, out: &mut String) {
        let Some(open) = self.open.iter_mut().rfind(|open| open.part == part) else { return };
        let text = text.escaped();
        self.written += text.len() as u64;
        if text.is_empty() {
            return;
        }
        let message = self.message.as_mut();
        match &mut open.kind {
            Kind::Text { .. } => {
                self.references.pass(text);
                piece([&self.opening, "\"content\":\"", text, "\"", GOES_ON], out);
                if let Some(message) = message {
                    message.content.push_str(text);
                }
            }
            Kind::Refusal => {
                piece([&self.opening, "\"refusal\":\"", text, "\"", GOES_ON], out);
                if let Some(message) = message {
                    message.refusal.push_str(text);
                }
            }
            Kind::Reasoning { text: so_far, .. } => {
                so_far.push_str(text);
                if self.setting.summary != Summary::None {
                    piece([&self.opening, "\"reasoning_content\":\"", text, "\"", GOES_ON], out);
                    if let Some(message) = message {
                        message.reasoning.push_str(text);
                    }
                }
            }
            Kind::Call { index, form, delta, .. } => {
                let text = match form {
                    CallForm::Custom(Some(reader)) => {
                        self.scratch.clear();
                        reader.push(text, &mut self.scratch);
                        self.scratch.as_str()
                    }
                    CallForm::Custom(None) => text,
                    CallForm::Function { blank } => {
                        *blank &= Escaped::trusted(text).text().trim().is_empty();
                        text
                    }
                };
                if !text.is_empty() {
                    piece([delta, text, "\"}}]", GOES_ON, ""], out);
                    if let Some(message) = message {
                        message.calls[*index].payload.push_str(text);
                    }
                }
            }
            Kind::Search => {}
        }
    }

    /// Ends a part that is whole.
    fn close(&mut self, open: Open, out: &mut String) {
        match open.kind {
            Kind::Text { .. } => self.references.end(Some(open.part)),
            Kind::Reasoning { text, opaque, place } => self.seal(text, opaque, place, out),
            Kind::Call { index, name, form, delta } => {
                self.scratch.clear();
                let found = match form {
                    CallForm::Custom(Some(mut reader)) => reader.end(&mut self.scratch),
                    CallForm::Custom(None) | CallForm::Function { blank: false } => Found::Whole,
                    CallForm::Function { blank: true } => {
                        // A call without arguments is one with none of them.
                        self.scratch.push_str("{}");
                        Found::Whole
                    }
                };
                match found {
                    Found::Whole => {}
                    Found::Unwrapped => self
                        .notes
                        .add(Code::InputUnwrapped, "choices[].message.tool_calls[].custom.input"),
                    Found::Broken => return self.broke_off(&name),
                }
                if !self.scratch.is_empty() {
                    piece([&delta, &self.scratch, "\"}}]", GOES_ON, ""], out);
                    if let Some(message) = &mut self.message {
                        message.calls[index].payload.push_str(&self.scratch);
                    }
                }
            }
            Kind::Refusal | Kind::Search => {}
        }
    }

    fn broke_off(&mut self, name: &str) {
        self.notes.add(Code::CallIncomplete, "choices[].message.tool_calls[]");
        self.broken = Some(format!("the model's call of `{name}` broke off before it was whole"));
    }

    /// Hands out what only quire can open, where the upstream wants it back or the client asks for it.
    fn seal(
        &mut self,
        text: String,
        opaque: Option<Opaque<'static>>,
        place: Place,
        out: &mut String,
    ) {
        let wanted = self.setting.seal_reasoning && !text.is_empty();
        if opaque.is_none() && !wanted {
            return;
        }
        let text = Escaped::trusted(text).text().into_owned();
        let sealed = self.vault.seal(Sealed::Reasoning, &Thought { text, opaque }.pack());
        let mut detail = String::from("{\"type\":\"reasoning.encrypted\",\"data\":");
        quote_into(&sealed, &mut detail);
        for piece in [",\"format\":\"", FORMAT, "\""] {
            detail.push_str(piece);
        }
        place.write(&mut detail);
        // SDKs put lists of deltas together by index, so each has its own.
        number(",\"index\":", self.sealed, &mut detail);
        detail.push('}');
        self.sealed += 1;
        piece([&self.opening, "\"reasoning_details\":[", &detail, "]", GOES_ON], out);
        if let Some(message) = &mut self.message {
            message.add_detail(&detail);
        }
    }

    fn cite(&mut self, part: u32, citation: Citation<'_>) {
        let open = self.open.iter().rfind(|open| open.part == part);
        let Some(Open { kind: Kind::Text { from }, .. }) = open else {
            return self.notes.add(Code::EventDropped, "choices[].message.annotations[]");
        };
        if citation.quote.is_some() {
            self.notes.add(Code::EventDropped, "choices[].message.annotations[].quote");
        }
        self.references.cite(part, *from, citation);
    }

    fn end(&mut self, end: End, out: &mut String) {
        let end = match end {
            End::Finished(finish) => self.end_parts(finish, out),
            failed @ End::Failed(_) => failed,
        };
        match &end {
            End::Failed(fault) => self.fail(fault, out),
            End::Finished(finish) => self.finish(finish, out),
        }
        self.ended = Some(end);
    }

    /// Ends what is still open. Text that a limit cut is still the answer; a call is none.
    fn end_parts(&mut self, finish: Finish, out: &mut String) -> End {
        for open in std::mem::take(&mut self.open) {
            match open.kind {
                Kind::Call { name, .. } => self.broke_off(&name),
                _ => self.close(open, out),
            }
        }
        self.references.end(None);
        match (&finish, self.broken.take()) {
            (finish, Some(text)) if !finish.is_cut() => {
                End::Failed(Fault { phase: Phase::Sent, ..Fault::new(FaultKind::Protocol, text) })
            }
            // `length` and `content_filter` tell clients that a call may be no more than a piece.
            _ => End::Finished(finish),
        }
    }

    /// SDKs raise an error for a chunk that holds one; `[DONE]` would say that all is well.
    fn fail(&mut self, fault: &Fault, out: &mut String) {
        // The message has the upstream's words already; strict clients know four members.
        let fault = Fault { upstream: None, ..fault.clone() };
        let body = fault::answer(&fault, Reader::Other).body;
        piece(["data: ", &body, "\n\n", "", ""], out);
        if self.setting.whole {
            self.object = body;
        }
    }

    fn finish(&mut self, finish: &Finish, out: &mut String) {
        if self.references.found_in_vain() {
            self.notes.add(Code::EventDropped, "choices[].message");
        }
        let annotations = self.references.written();
        if !annotations.is_empty() {
            // All in one: SDKs either keep the last list alone or want an index that the dialect has not.
            piece([&self.opening, "\"annotations\":[", &annotations, "]", GOES_ON], out);
        }
        let reason = match finish {
            Finish::Length | Finish::Paused => "length",
            Finish::Filtered => "content_filter",
            // Clients that read `tool_calls` without any would wait for ever, or ask again.
            _ if self.calls > 0 => "tool_calls",
            Finish::Stop | Finish::Sequence(_) | Finish::Calls | Finish::Other(_) => "stop",
        };
        match finish {
            Finish::Other(_) => self.notes.add(Code::FinishUnknown, "choices[].finish_reason"),
            Finish::Paused => self.notes.add(Code::Paused, "choices[].finish_reason"),
            _ => {}
        }
        let usage = self.usage.unwrap_or_else(|| {
            self.notes.add(Code::UsageEstimated, "usage");
            let output = self.written.div_ceil(4);
            Usage { input: self.setting.input_estimate, output, ..Usage::default() }
        });
        self.usage = Some(usage);
        let mut provenance = String::new();
        let Setting { request_id, provider, upstream_model, .. } = &self.setting;
        self::provenance(request_id, provider, upstream_model, &self.notes, &mut provenance);
        out.push_str(&self.opening);
        for piece in ["},\"logprobs\":null,\"finish_reason\":\"", reason, "\"}],\"quire\":"] {
            out.push_str(piece);
        }
        piece([&provenance, "}\n\n", "", "", ""], out);
        if self.setting.include_usage {
            out.push_str("data: ");
            start(&self.head, "chat.completion.chunk", out);
            out.push_str("],\"usage\":");
            write_usage(usage, out);
            out.push_str("}\n\n");
        }
        out.push_str("data: [DONE]\n\n");
        if let Some(message) = &self.message {
            let object = &mut self.object;
            start(&self.head, "chat.completion", object);
            object.push_str("{\"index\":0,\"message\":");
            message.write(&annotations, object);
            for piece in [",\"logprobs\":null,\"finish_reason\":\"", reason, "\"}],\"usage\":"] {
                object.push_str(piece);
            }
            write_usage(usage, object);
            piece([",\"quire\":", &provenance, "}", "", ""], object);
        }
    }
}

pub(super) fn piece(texts: [&str; 5], out: &mut String) {
    for text in texts {
        out.push_str(text);
    }
}

pub(super) fn number(before: &str, value: u64, out: &mut String) {
    out.push_str(before);
    out.push_str(itoa::Buffer::new().format(value));
}

fn write_usage(usage: Usage, out: &mut String) {
    number("{\"prompt_tokens\":", usage.input, out);
    number(",\"completion_tokens\":", usage.output, out);
    number(",\"total_tokens\":", usage.total(), out);
    number(",\"prompt_tokens_details\":{\"cached_tokens\":", usage.cached, out);
    number(",\"cache_write_tokens\":", usage.cache_written, out);
    number("},\"completion_tokens_details\":{\"reasoning_tokens\":", usage.reasoning, out);
    out.push_str("}}");
}
