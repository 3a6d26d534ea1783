//! Events to a Responses answer: server-sent events, or one object.
//!
//! Both come from the same machine, so a streamed answer and a whole one are equal. Each item is
//! closed when it ends and appears both in `output_item.done` and in the final `output`, since
//! Codex reads only the first and SDK helpers only the second. A call that broke off is never
//! handed out as done: clients run calls as soon as they are.

use super::fault::in_stream;
use super::item::{CallKind, ItemKind, Open, Refers, Shown, arguments_object, shell_action};
use crate::answer::{Head, Setting, provenance};
use crate::fault::{Fault, Kind, Phase};
use crate::json::{Escaped, escape_into, quote_into};
use crate::names::{Identity, IdentityKind};
use crate::note::{Code, Notes};
use crate::partial::Found;
use crate::thought::Thought;
use crate::turn::{Citation, End, Event, Finish, Form, Opening, Sealed, Summary, Usage, Vault};
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Writes the events that open every stream; nothing if they were written before.
pub fn begin(head: &Head, out: &mut String) {
    if head.sequence.load(Ordering::Relaxed) == 0 {
        head.lifecycle("response.created", out);
        head.lifecycle("response.in_progress", out);
    }
}

/// Writes an event that changes nothing and resets the client's idle timer. Codex ignores comments.
pub fn keep_alive(head: &Head, out: &mut String) {
    head.lifecycle("response.in_progress", out);
}

impl Head {
    fn number(&self, out: &mut String) {
        let number = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(number + 1, Ordering::Relaxed);
        out.push_str(itoa::Buffer::new().format(number));
    }

    /// `event:` line and the start of the data, up to the event's own members.
    fn event(&self, name: &str, out: &mut String) {
        out.push_str("event: ");
        out.push_str(name);
        out.push_str("\ndata: {\"type\":\"");
        out.push_str(name);
        out.push_str("\",\"sequence_number\":");
        self.number(out);
        out.push(',');
    }

    fn lifecycle(&self, name: &str, out: &mut String) {
        self.event(name, out);
        out.push_str("\"response\":");
        self.object("in_progress", out);
        out.push_str(",\"completed_at\":null,\"incomplete_details\":null,\"error\":null,\"output\":[],\"usage\":null");
        out.push_str(&self.echo);
        out.push_str("}}\n\n");
    }

    /// The response object up to its status.
    fn object(&self, status: &str, out: &mut String) {
        out.push_str("{\"id\":\"resp_");
        out.push_str(&self.stem);
        out.push_str("\",\"object\":\"response\",\"created_at\":");
        out.push_str(itoa::Buffer::new().format(self.created_at));
        out.push_str(",\"status\":\"");
        out.push_str(status);
        out.push_str("\",\"model\":");
        quote_into(&self.model, out);
    }
}

/// The writer of one answer.
pub struct Encoder<V> {
    head: Arc<Head>,
    setting: Setting,
    vault: V,
    notes: Notes,
    next_index: u32,
    open: Vec<Open>,
    /// Finished items, joined with commas, in the order in which they ended.
    output: String,
    /// The index of each finished item, and where it stands in `output`.
    places: Vec<(u32, Range<usize>)>,
    /// What is wrong with a call that the model believes to be whole.
    broken: Option<String>,
    /// The text of a compaction.
    compaction: String,
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
            open: Vec::new(),
            output: String::new(),
            places: Vec::new(),
            broken: None,
            compaction: String::new(),
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

    /// The whole response object, once the answer has ended, if [`Setting::whole`] asked for it.
    pub fn take_object(&mut self) -> String {
        std::mem::take(&mut self.object)
    }

    /// Takes one event and appends what it makes. `now` is Unix time in seconds.
    pub fn push(&mut self, event: Event<'_>, now: u64, out: &mut String) {
        if self.is_ended() {
            return;
        }
        match event {
            Event::Open { part, kind } => self.open(part, kind, out),
            Event::Delta { part, text } => self.delta(part, &text, out),
            Event::Close { part } => {
                if let Some(at) = self.open.iter().position(|open| open.part == part) {
                    let open = self.open.remove(at);
                    let status = if open.refers.failed { "failed" } else { "completed" };
                    self.close(open, status, out);
                }
            }
            Event::Seal { part, opaque } => {
                if let Some(open) = self.open.iter_mut().rfind(|open| open.part == part) {
                    open.opaque = Some(opaque.into_owned());
                }
            }
            Event::Cite { part, citation } => self.cite(part, &citation, out),
            Event::Found { part, sources } => {
                let open = self.open.iter_mut().rfind(|open| open.part == part);
                if let Some(open) = open.filter(|open| matches!(open.kind, ItemKind::Search)) {
                    open.find(sources.as_deref());
                }
            }
            Event::Usage(usage) => self.usage = Some(usage),
            Event::End(end) => self.end(end, now, out),
        }
    }

    fn open(&mut self, part: u32, kind: Opening<'_>, out: &mut String) {
        if self.setting.compact {
            let kind = match kind {
                Opening::Text | Opening::Refusal => ItemKind::Hidden,
                Opening::Reasoning => return,
                Opening::Call { .. } | Opening::Search { .. } => {
                    return self.notes.add(Code::EventDropped, "output[]");
                }
            };
            let (id, text, delta) = <(String, String, String)>::default();
            let refers = Refers::default();
            self.open.push(Open { part, index: 0, id, text, delta, refers, opaque: None, kind });
            return;
        }
        let (prefix, kind) = match kind {
            Opening::Text => ("msg", ItemKind::Message),
            Opening::Refusal if self.setting.for_codex => {
                self.notes.add(Code::RefusalAsText, "output[].content[]");
                ("msg", ItemKind::Message)
            }
            Opening::Refusal => ("msg", ItemKind::Refusal),
            Opening::Reasoning => {
                let shown = match self.setting.summary {
                    Summary::Wanted => Shown::Summary,
                    Summary::Unset => Shown::Text,
                    Summary::None => Shown::Not,
                };
                ("rs", ItemKind::Reasoning { shown })
            }
            Opening::Search { .. } => ("ws", ItemKind::Search),
            Opening::Call { id, name, form } => self.call(&id, &name, form),
        };
        let index = self.next_index;
        self.next_index += 1;
        let id = format!("{prefix}_{}_{index}", self.head.stem);
        let (text, delta) = (String::new(), String::new());
        let refers = Refers::default();
        let mut open = Open { part, index, id, text, delta, refers, opaque: None, kind };
        self.head.event("response.output_item.added", out);
        number("\"output_index\":", u64::from(index), out);
        out.push_str(",\"item\":");
        open.item("in_progress", "", None, out);
        out.push_str("}\n\n");
        let names = ("response.reasoning_summary_part.added", "response.content_part.added");
        self.part(&open, names, "", out);
        if matches!(open.kind, ItemKind::Search) {
            self.stage(&open, "response.web_search_call.in_progress", out);
            self.stage(&open, "response.web_search_call.searching", out);
        }
        open.prepare_delta();
        self.open.push(open);
    }

    /// The event about how far a search has come.
    fn stage(&self, open: &Open, name: &str, out: &mut String) {
        self.head.event(name, out);
        open.place(out);
        out.push_str("}\n\n");
    }

    /// Adds a citation to an open text.
    fn cite(&mut self, part: u32, citation: &Citation<'_>, out: &mut String) {
        let Some(open) = self.open.iter_mut().rfind(|open| open.part == part) else { return };
        if !matches!(open.kind, ItemKind::Message) {
            return self.notes.add(Code::EventDropped, "output[].content[].annotations[]");
        }
        let index = open.refers.count;
        let json = open.cite(citation);
        self.head.event("response.output_text.annotation.added", out);
        open.place(out);
        out.push_str(open.content_place().unwrap_or_default());
        number(",\"annotation_index\":", u64::from(index), out);
        out.push_str(",\"annotation\":");
        out.push_str(&json);
        out.push_str("}\n\n");
    }

    fn call(&self, id: &Escaped<'_>, name: &Escaped<'_>, form: Form) -> (&'static str, ItemKind) {
        let call_id = id.escaped().to_owned();
        let (prefix, name, namespace, kind) = match self.setting.names.find(name) {
            // The model called what the client never declared: the client should know.
            None => ("fc", name.escaped().to_owned(), None, CallKind::Function),
            Some(Identity { namespace, name, kind }) => {
                let (prefix, kind) = match kind {
                    IdentityKind::Function => ("fc", CallKind::Function),
                    IdentityKind::Custom => {
                        let reader = (form == Form::Arguments).then(Box::default);
                        ("ctc", CallKind::Custom(reader))
                    }
                    IdentityKind::ToolSearch => ("tsc", CallKind::ToolSearch),
                    IdentityKind::LocalShell => ("lsc", CallKind::LocalShell),
                };
                (prefix, name.clone(), namespace.clone(), kind)
            }
        };
        (prefix, ItemKind::Call { call_id, name, namespace, kind })
    }

    fn delta(&mut self, part: u32, text: &Escaped<'_>, out: &mut String) {
        let Some(open) = self.open.iter_mut().rfind(|open| open.part == part) else { return };
        self.written += text.escaped().len() as u64;
        let from = open.text.len();
        match &mut open.kind {
            ItemKind::Call { kind: CallKind::Custom(Some(reader)), .. } => {
                reader.push(text.escaped(), &mut open.text);
            }
            _ => open.text.push_str(text.escaped()),
        }
        if from < open.text.len() && !open.delta.is_empty() {
            out.push_str(&open.delta);
            self.head.number(out);
            out.push_str(",\"delta\":\"");
            out.push_str(&open.text[from..]);
            out.push_str("\"}\n\n");
        }
    }

    /// Ends an item: its text, its content part, and the item itself.
    fn close(&mut self, mut open: Open, status: &str, out: &mut String) {
        let from = open.text.len();
        let whole = self.complete(&mut open);
        if from < open.text.len() && !open.delta.is_empty() {
            out.push_str(&open.delta);
            self.head.number(out);
            out.push_str(",\"delta\":\"");
            out.push_str(&open.text[from..]);
            out.push_str("\"}\n\n");
        }
        match &open.kind {
            ItemKind::Hidden => {
                self.compaction.push_str(&open.text);
                return;
            }
            ItemKind::Call { name, .. } if !whole => {
                self.notes.add(Code::CallIncomplete, "output[]");
                self.broken = Some(broke_off(name));
                self.keep(&open, "incomplete");
                return;
            }
            _ => {}
        }
        self.done(&open, out);
        if matches!(open.kind, ItemKind::Search) && status == "completed" {
            self.stage(&open, "response.web_search_call.completed", out);
        }
        let from = self.keep(&open, status);
        self.head.event("response.output_item.done", out);
        number("\"output_index\":", u64::from(open.index), out);
        out.push_str(",\"item\":");
        out.push_str(&self.output[from..]);
        out.push_str("}\n\n");
    }

    /// Completes the text of an item that ends, and says whether clients may run it. A function's
    /// arguments may be wrong: clients tell the model so. What else runs must be whole.
    fn complete(&mut self, open: &mut Open) -> bool {
        let ItemKind::Call { kind, .. } = &mut open.kind else { return true };
        match kind {
            CallKind::Custom(None) => true,
            CallKind::Custom(Some(reader)) => match reader.end(&mut open.text) {
                Found::Whole => true,
                Found::Unwrapped => {
                    self.notes.add(Code::InputUnwrapped, "output[].input");
                    true
                }
                Found::Broken => false,
            },
            CallKind::Function => {
                // A call without arguments is one with none of them.
                if Escaped::trusted(open.text.as_str()).text().trim().is_empty() {
                    open.text.push_str("{}");
                }
                true
            }
            CallKind::ToolSearch => arguments_object(&open.text).is_some(),
            CallKind::LocalShell => shell_action(&open.text).is_some(),
        }
    }

    /// Adds an item to the output and returns where it begins there.
    fn keep(&mut self, open: &Open, status: &str) -> usize {
        if !self.output.is_empty() {
            self.output.push(',');
        }
        let from = self.output.len();
        // What only the upstream can read must come back, whether it was asked for or not.
        let seals = self.setting.seal_reasoning
            || self.setting.summary == Summary::None
            || open.opaque.is_some();
        let sealed = match open.kind {
            ItemKind::Reasoning { .. } if seals => {
                let text = Escaped::trusted(open.text.as_str()).text().into_owned();
                let thought = Thought { text, opaque: open.opaque.clone() };
                Some(self.vault.seal(Sealed::Reasoning, &thought.pack()))
            }
            _ => None,
        };
        open.item(status, &open.text, sealed.as_deref(), &mut self.output);
        self.places.push((open.index, from..self.output.len()));
        from
    }

    /// The finished items, joined with commas, in the order in which they began.
    fn ordered_output(&mut self) -> String {
        if self.places.is_sorted_by_key(|(index, _)| *index) {
            return std::mem::take(&mut self.output);
        }
        self.places.sort_by_key(|(index, _)| *index);
        let items: Vec<&str> =
            self.places.iter().map(|(_, place)| &self.output[place.clone()]).collect();
        items.join(",")
    }

    /// The event about an item's content part, for items that have one: named for a summary or for
    /// any other part.
    fn part(&self, open: &Open, names: (&str, &str), text: &str, out: &mut String) {
        let Some(content) = open.content_place() else { return };
        let is_summary = matches!(open.kind, ItemKind::Reasoning { shown: Shown::Summary });
        self.head.event(if is_summary { names.0 } else { names.1 }, out);
        open.place(out);
        out.push_str(content);
        out.push_str(",\"part\":");
        open.part(text, out);
        out.push_str("}\n\n");
    }

    /// The events that end an item's text and content part.
    fn done(&mut self, open: &Open, out: &mut String) {
        let Some((name, member)) = open.done_event() else { return };
        self.head.event(name, out);
        open.place(out);
        out.push_str(open.content_place().unwrap_or_default());
        if matches!(open.kind, ItemKind::Message) {
            out.push_str(",\"logprobs\":[]");
        }
        out.push_str(",\"");
        out.push_str(member);
        out.push_str("\":\"");
        out.push_str(&open.text);
        out.push_str("\"}\n\n");
        let names = ("response.reasoning_summary_part.done", "response.content_part.done");
        self.part(open, names, &open.text, out);
    }

    fn end(&mut self, end: End, now: u64, out: &mut String) {
        let open_call = self.open.iter().find_map(|open| match &open.kind {
            ItemKind::Call { name, .. } => Some(broke_off(name)),
            _ => None,
        });
        let end = match (end, self.broken.take().or(open_call)) {
            (End::Finished(finish), Some(text)) if !finish.is_cut() => {
                End::Failed(Fault { phase: Phase::Sent, ..Fault::new(Kind::Protocol, text) })
            }
            // Codex asks five times more for what was filtered.
            (End::Finished(Finish::Filtered), _) if self.setting.for_codex => {
                let text = "the model's provider stopped the answer for what it says, or the model refused";
                End::Failed(Fault { phase: Phase::Sent, ..Fault::new(Kind::Refused, text) })
            }
            (end @ End::Finished(_), _) if self.setting.compact => self.end_compaction(end, out),
            (end, _) => end,
        };
        let (name, status) = match &end {
            End::Finished(finish) if finish.is_cut() => {
                if *finish == Finish::Paused {
                    self.notes.add(Code::Paused, "incomplete_details");
                }
                ("response.incomplete", "incomplete")
            }
            End::Finished(Finish::Other(_)) => {
                self.notes.add(Code::FinishUnknown, "finish_reason");
                ("response.completed", "completed")
            }
            End::Finished(_) => ("response.completed", "completed"),
            End::Failed(_) => ("response.failed", "failed"),
        };
        for open in std::mem::take(&mut self.open) {
            match (&end, &open.kind) {
                // Text that a limit cut is still the answer; Codex shows it because it is done.
                (
                    End::Finished(_),
                    ItemKind::Message | ItemKind::Refusal | ItemKind::Reasoning { .. },
                ) => {
                    self.close(open, "incomplete", out);
                }
                (_, ItemKind::Hidden) => {}
                (End::Finished(_), ItemKind::Search) => self.close(open, "failed", out),
                (_, ItemKind::Call { .. }) => {
                    self.notes.add(Code::CallIncomplete, "output[]");
                    self.keep(&open, "incomplete");
                }
                // After a failure clients repeat the request: a done half would stand twice.
                (End::Failed(_), _) => {
                    self.keep(&open, "incomplete");
                }
            }
        }
        if self.usage.is_none() && !matches!(end, End::Failed(_)) {
            self.notes.add(Code::UsageEstimated, "usage");
            let output = self.written.div_ceil(4);
            self.usage =
                Some(Usage { input: self.setting.input_estimate, output, ..Usage::default() });
        }
        self.head.event(name, out);
        out.push_str("\"response\":");
        let from = out.len();
        self.head.object(status, out);
        let completed = matches!(&end, End::Finished(finish) if !finish.is_cut());
        out.push_str(",\"completed_at\":");
        match completed {
            true => out.push_str(itoa::Buffer::new().format(now)),
            false => out.push_str("null"),
        }
        out.push_str(",\"incomplete_details\":");
        out.push_str(match &end {
            End::Finished(Finish::Length | Finish::Paused) => "{\"reason\":\"max_output_tokens\"}",
            End::Finished(Finish::Filtered) => "{\"reason\":\"content_filter\"}",
            _ => "null",
        });
        out.push_str(",\"error\":");
        match &end {
            End::Failed(fault) => {
                let (code, message) = in_stream(fault);
                out.push_str("{\"code\":");
                quote_into(code, out);
                out.push_str(",\"message\":");
                quote_into(&message, out);
                out.push('}');
            }
            End::Finished(_) => out.push_str("null"),
        }
        out.push_str(",\"output\":[");
        out.push_str(&self.ordered_output());
        out.push_str("],\"usage\":");
        write_usage(self.usage, out);
        out.push_str(&self.head.echo);
        out.push_str(",\"quire\":");
        let Setting { request_id, provider, upstream_model, .. } = &self.setting;
        provenance(request_id, provider, upstream_model, &self.notes, out);
        out.push('}');
        if self.setting.whole {
            self.object = out[from..].to_owned();
        }
        out.push_str("}\n\ndata: [DONE]\n\n");
        self.ended = Some(end);
    }

    /// Makes the `compaction` item out of the summary that the model wrote.
    fn end_compaction(&mut self, end: End, out: &mut String) -> End {
        if matches!(&end, End::Finished(finish) if finish.is_cut()) {
            return end;
        }
        let summary = std::mem::take(&mut self.compaction);
        if summary.is_empty() {
            let text = "the model wrote no summary, so the conversation cannot be compacted";
            return End::Failed(Fault { phase: Phase::Sent, ..Fault::new(Kind::Protocol, text) });
        }
        let sealed = self.vault.seal(Sealed::Compaction, &Escaped::trusted(summary).text());
        let mut item = format!(
            "{{\"type\":\"compaction\",\"id\":\"cmp_{}\",\"encrypted_content\":\"",
            self.head.stem
        );
        escape_into(&sealed, &mut item);
        item.push_str("\"}");
        for name in ["response.output_item.added", "response.output_item.done"] {
            self.head.event(name, out);
            out.push_str("\"output_index\":0,\"item\":");
            out.push_str(&item);
            out.push_str("}\n\n");
        }
        self.output = item;
        end
    }
}

fn broke_off(name: &str) -> String {
    format!("the model's call of `{name}` broke off before it was whole")
}

fn write_usage(usage: Option<Usage>, out: &mut String) {
    let Some(usage) = usage else { return out.push_str("null") };
    number("{\"input_tokens\":", usage.input, out);
    number(",\"input_tokens_details\":{\"cached_tokens\":", usage.cached, out);
    number(",\"cache_write_tokens\":", usage.cache_written, out);
    number("},\"output_tokens\":", usage.output, out);
    number(",\"output_tokens_details\":{\"reasoning_tokens\":", usage.reasoning, out);
    number("},\"total_tokens\":", usage.total(), out);
    out.push('}');
}

pub(super) fn number(before: &str, value: u64, out: &mut String) {
    out.push_str(before);
    out.push_str(itoa::Buffer::new().format(value));
}
