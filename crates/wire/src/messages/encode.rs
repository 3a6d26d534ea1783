//! Events to a Messages answer: server-sent events, or one object.
//!
//! Both come from the same machine, so a streamed answer and a whole one are equal. Blocks of this
//! dialect never overlap and are numbered as they begin, so a part that opens beside another one
//! waits until that one is whole. A call that broke off is never ended, since clients run calls as
//! soon as they end: the stream goes from its last delta to the reason, or to the error.

use super::block::{Block, Input, Kind};
use super::frames::{begin_block, delta, delta_frame, message, start, stop, write_usage};
use super::{fault, ids};
use crate::answer::{Head, Setting, provenance};
use crate::fault::{Fault, Kind as FaultKind, Phase};
use crate::json::{Escaped, Tape, quote_into};
use crate::note::{Code, Notes};
use crate::thought::Thought;
use crate::turn::{End, Event, Finish, Opening, Sealed, Summary, Usage, Vault};
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Writes the event that opens every stream; nothing if it was written before. What the request
/// costs is known at the end only: `message_delta` has all counts.
pub fn begin(head: &Head, out: &mut String) {
    if head.sequence.swap(1, Ordering::Relaxed) == 0 {
        out.push_str("event: message_start\ndata: {\"type\":\"message_start\",\"message\":");
        message(head, out);
        out.push_str("[],\"stop_reason\":null,\"stop_sequence\":null,\"usage\":");
        write_usage(Usage::default(), out);
        out.push_str("}}\n\n");
    }
}

/// Writes an event that changes nothing and resets the client's idle timer.
pub fn keep_alive(_: &Head, out: &mut String) {
    out.push_str("event: ping\ndata: {\"type\":\"ping\"}\n\n");
}

/// The writer of one answer.
pub struct Encoder<V> {
    head: Arc<Head>,
    setting: Setting,
    vault: V,
    notes: Notes,
    next_index: u32,
    /// The block that is being written, and those that wait for it.
    blocks: VecDeque<Block>,
    /// The frame of the first block's deltas, up to their text.
    delta: String,
    /// For the input of calls, which must be a JSON object.
    tape: Tape,
    /// Finished blocks, joined with commas, for the whole object.
    content: String,
    /// A call has been handed out.
    called: bool,
    searches: u64,
    /// What is wrong with a call that the model believes to be whole. Nothing is written after it
    /// but the error.
    broken: Option<String>,
    usage: Option<Usage>,
    written: u64,
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
        Self {
            head,
            setting,
            vault,
            notes,
            next_index: 0,
            blocks: VecDeque::new(),
            delta: String::new(),
            tape: Tape::default(),
            content: String::new(),
            called: false,
            searches: 0,
            broken: None,
            usage: None,
            written: 0,
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

    /// The whole message, once the answer has ended, if [`Setting::whole`] asked for it; after a
    /// failure the error, as the body of an error answer has it.
    pub fn take_object(&mut self) -> String {
        std::mem::take(&mut self.object)
    }

    /// Takes one event and appends what it makes. The time does not show in this dialect.
    pub fn push(&mut self, event: Event<'_>, _now: u64, out: &mut String) {
        if self.is_ended() || self.broken.is_some() && !closes(&event) {
            return;
        }
        match event {
            Event::Open { part, kind } => self.open(part, kind, out),
            Event::Delta { part, text } => {
                self.written += text.escaped().len() as u64;
                if let Some(at) = self.position(part) {
                    self.blocks[at].push(&text);
                    self.show(at, out);
                }
            }
            Event::Seal { part, opaque } => {
                if let Some(at) = self.position(part) {
                    self.blocks[at].opaque = Some(opaque.into_owned());
                }
            }
            Event::Cite { part, citation } => match self.position(part) {
                Some(at) if matches!(self.blocks[at].kind, Kind::Text) => {
                    self.blocks[at].cite(&citation);
                    self.show(at, out);
                }
                _ => self.notes.add(Code::EventDropped, "content[].citations"),
            },
            Event::Found { part, sources } => match self.position(part) {
                Some(at) if matches!(self.blocks[at].kind, Kind::Search { .. }) => match sources {
                    Some(sources) => {
                        sources.iter().for_each(|source| self.blocks[at].find(source));
                    }
                    None => self.blocks[at].failed = true,
                },
                _ => self.notes.add(Code::EventDropped, "content[].content"),
            },
            Event::Close { part } => {
                if let Some(at) = self.position(part) {
                    self.blocks[at].closed = true;
                    if at == 0 {
                        self.proceed(out);
                    }
                }
            }
            Event::Usage(usage) => self.usage = Some(usage),
            Event::End(end) => self.end(end, out),
        }
    }

    fn position(&self, part: u32) -> Option<usize> {
        self.blocks.iter().rposition(|block| block.part == part && !block.closed)
    }

    fn open(&mut self, part: u32, kind: Opening<'_>, out: &mut String) {
        let kind = match kind {
            Opening::Text => Kind::Text,
            Opening::Refusal => {
                self.notes.add(Code::RefusalAsText, "content[]");
                Kind::Text
            }
            Opening::Reasoning => {
                let shown = self.setting.summary != Summary::None;
                // Nobody wants to know.
                if !shown && !self.setting.seal_reasoning {
                    return;
                }
                Kind::Thinking { shown }
            }
            Opening::Call { id, name, form } => {
                let id = ids::told(&id.text()).into_owned();
                let known = self.setting.names.find(&name);
                // The model called what the client never declared: the client should know.
                let name = known.map_or_else(|| name.escaped(), |known| &known.name).to_owned();
                Kind::Call { id, name, form }
            }
            Opening::Search { .. } => {
                self.searches += 1;
                Kind::Search { id: format!("srvtoolu_{}_{}", self.head.stem, self.searches) }
            }
        };
        self.blocks.push_back(Block::new(part, kind));
        self.show(self.blocks.len() - 1, out);
    }

    /// Hands out what is new of the block at `at`, if it is its turn.
    fn show(&mut self, at: usize, out: &mut String) {
        if at != 0 {
            return;
        }
        let Some(block) = self.blocks.front_mut() else { return };
        if block.index.is_none() && block.is_begun() {
            block.index = Some(self.next_index);
            self.next_index += 1;
            begin_block(block, out);
            delta_frame(block, &mut self.delta);
        }
        if block.index.is_none() {
            return;
        }
        let news = block.news();
        if !news.is_empty() {
            out.push_str(&self.delta);
            out.push_str(news);
            out.push_str("\"}}\n\n");
            block.sent = block.text.len();
            // Nobody asks for it again.
            if !self.setting.whole && matches!(block.kind, Kind::Text) {
                block.text.clear();
                block.sent = 0;
            }
        }
        if matches!(block.kind, Kind::Text) {
            for citation in &block.found[block.cited..] {
                let frame = ["{\"type\":\"citations_delta\",\"citation\":", citation, "}"];
                delta(block.index, &frame, out);
            }
            block.cited = block.found.len();
        }
    }

    /// Ends what is closed, and begins what waited for it.
    fn proceed(&mut self, out: &mut String) {
        while self.broken.is_none() {
            self.show(0, out);
            match self.blocks.front() {
                Some(block) if block.closed => {}
                _ => return,
            }
            if let Some(block) = self.blocks.pop_front() {
                self.close(block, out);
            }
        }
    }

    fn close(&mut self, mut block: Block, out: &mut String) {
        match block.kind {
            // Nobody may send an empty text back, whatever it refers to.
            Kind::Text if block.index.is_none() => {
                if !block.found.is_empty() {
                    self.notes.add(Code::EventDropped, "content[].citations");
                }
            }
            Kind::Text => self.finish(&block, "", out),
            Kind::Thinking { shown } => self.close_thinking(&mut block, shown, out),
            Kind::Call { .. } | Kind::Search { .. } => self.close_call(&mut block, out),
        }
    }

    fn close_thinking(&mut self, block: &mut Block, shown: bool, out: &mut String) {
        if block.text.is_empty() && block.opaque.is_none() {
            return;
        }
        // A thought that is shown is always signed: clients send it back, and Anthropic's own API
        // would refuse it without.
        let text = Escaped::trusted(&*block.text).text().into_owned();
        let thought = Thought { text, opaque: block.opaque.take() };
        let signature = self.vault.seal(Sealed::Reasoning, &thought.pack());
        if block.index.is_none() {
            block.index = Some(self.next_index);
            self.next_index += 1;
            // There was nothing to show, though all of it would have been shown.
            if shown {
                let mut redacted = String::from("{\"type\":\"redacted_thinking\",\"data\":");
                quote_into(&signature, &mut redacted);
                redacted.push('}');
                return self.finish_at_once(block.index, &redacted, out);
            }
            begin_block(block, out);
        }
        let mut quoted = String::with_capacity(signature.len() + 2);
        quote_into(&signature, &mut quoted);
        let frame = ["{\"type\":\"signature_delta\",\"signature\":", &quoted, "}"];
        delta(block.index, &frame, out);
        self.finish(block, &signature, out);
    }

    fn close_call(&mut self, block: &mut Block, out: &mut String) {
        if block.complete(&mut self.tape) == Input::Broken {
            return self.break_off(block);
        }
        if block.sent < block.text.len() {
            out.push_str(&self.delta);
            out.push_str(&block.text[block.sent..]);
            out.push_str("\"}}\n\n");
        }
        self.finish(block, "", out);
        if matches!(block.kind, Kind::Call { .. }) {
            self.called = true;
        } else {
            let mut results = String::new();
            block.results(&mut results);
            let index = Some(self.next_index);
            self.next_index += 1;
            self.finish_at_once(index, &results, out);
        }
    }

    /// Gives up a call. Nothing can follow a block that never ends.
    fn break_off(&mut self, block: &Block) {
        if let Kind::Call { name, .. } = &block.kind {
            self.notes.add(Code::CallIncomplete, "content[]");
            let text = format!("the model's call of `{name}` is no whole JSON object");
            self.broken = Some(text);
        }
    }

    /// Ends a block.
    fn finish(&mut self, block: &Block, signature: &str, out: &mut String) {
        stop(block.index, out);
        if self.setting.whole {
            self.separate();
            block.whole(signature, &mut self.content);
        }
    }

    /// Writes a block that has no deltas.
    fn finish_at_once(&mut self, index: Option<u32>, block: &str, out: &mut String) {
        start(index, block, out);
        stop(index, out);
        if self.setting.whole {
            self.separate();
            self.content.push_str(block);
        }
    }

    fn separate(&mut self) {
        if !self.content.is_empty() {
            self.content.push(',');
        }
    }

    fn end(&mut self, end: End, out: &mut String) {
        if matches!(end, End::Finished(_)) {
            self.end_blocks(out);
        }
        let limited = matches!(&end, End::Finished(finish) if finish.is_cut());
        let end = match (end, self.broken.take()) {
            (End::Finished(_), Some(text)) if !limited => {
                End::Failed(Fault { phase: Phase::Sent, ..Fault::new(FaultKind::Protocol, text) })
            }
            (end, _) => end,
        };
        match &end {
            End::Failed(fault) => self.end_failed(fault, out),
            End::Finished(finish) => self.end_finished(finish, out),
        }
        self.ended = Some(end);
    }

    /// Ends what is still open in an answer that its model ended: a text that a limit cut is still
    /// the answer, a call is none.
    fn end_blocks(&mut self, out: &mut String) {
        while self.broken.is_none() {
            let Some(block) = self.blocks.front() else { return };
            // A call that waited begins no more.
            if !(block.is_open_call() && block.index.is_none()) {
                self.show(0, out);
            }
            let Some(block) = self.blocks.pop_front() else { return };
            if block.is_open_call() {
                self.break_off(&block);
            } else {
                self.close(block, out);
            }
        }
        self.drop_blocks();
    }

    fn drop_blocks(&mut self) {
        for block in std::mem::take(&mut self.blocks) {
            match block.kind {
                Kind::Call { .. } => self.notes.add(Code::CallIncomplete, "content[]"),
                _ if block.is_begun() => self.notes.add(Code::EventDropped, "content[]"),
                _ => {}
            }
        }
    }

    fn end_failed(&mut self, fault: &Fault, out: &mut String) {
        fault::event(fault, &self.setting.request_id, out);
        if self.setting.whole {
            fault::object(fault, &self.setting.request_id, &mut self.object);
        }
    }

    fn end_finished(&mut self, finish: &Finish, out: &mut String) {
        if let Finish::Other(_) = finish {
            self.notes.add(Code::FinishUnknown, "stop_reason");
        }
        let usage = self.usage.unwrap_or_else(|| {
            self.notes.add(Code::UsageEstimated, "usage");
            let (input, output) = (self.setting.input_estimate, self.written.div_ceil(4));
            Usage { input, output, ..Usage::default() }
        });
        let usage = Usage { searches: usage.searches.max(self.searches), ..usage };
        self.usage = Some(usage);
        let (reason, sequence) = self.stop_reason(finish);
        let mut why = format!("\"stop_reason\":\"{reason}\",\"stop_sequence\":");
        match sequence {
            Some(text) => quote_into(text, &mut why),
            None => why.push_str("null"),
        }
        let mut costs = String::from(",\"usage\":");
        write_usage(usage, &mut costs);
        costs.push_str(",\"quire\":");
        let Setting { request_id, provider, upstream_model, .. } = &self.setting;
        provenance(request_id, provider, upstream_model, &self.notes, &mut costs);
        costs.push('}');
        out.push_str("event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{");
        out.push_str(&why);
        out.push('}');
        out.push_str(&costs);
        out.push_str("\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n");
        if self.setting.whole {
            message(&self.head, &mut self.object);
            for piece in ["[", &self.content, "],", &why, &costs] {
                self.object.push_str(piece);
            }
        }
    }

    fn stop_reason<'f>(&self, finish: &'f Finish) -> (&'static str, Option<&'f str>) {
        match finish {
            Finish::Length => ("max_tokens", None),
            Finish::Filtered => ("refusal", None),
            Finish::Paused => ("pause_turn", None),
            // Whatever the upstream calls it, somebody waits for these calls.
            _ if self.called => ("tool_use", None),
            Finish::Sequence(text) => ("stop_sequence", Some(text)),
            Finish::Stop | Finish::Calls | Finish::Other(_) => ("end_turn", None),
        }
    }
}

/// Whether an event still counts when a call is broken.
const fn closes(event: &Event<'_>) -> bool {
    matches!(event, Event::Usage(_) | Event::End(_))
}
