//! A conversation as Chat Completions messages that a strict server accepts: one system message
//! first, calls of one round in one assistant message, and each call answered right after it.

use crate::json::{Escaped, Tape};
use crate::names::Names;
use crate::note::{Code, Notes};
use crate::rounds::{CallIds, MISSING_RESULT, Results};
use crate::stand_in;
use crate::target::{Quirk, Replay, Target};
use crate::thought::Thought;
use crate::turn::{Call, Item, Opened, Part, Role, Sealed, Vault};
use crate::wrap;

/// Writes the messages of `items`, without brackets, and says whether there are any.
pub(super) fn write(
    items: &[Item<'_>],
    target: &Target,
    names: &Names,
    vault: &dyn Vault,
    notes: &mut Notes,
    out: &mut String,
) -> bool {
    let mut writer = Writer {
        items,
        target,
        names,
        vault,
        notes,
        out,
        results: Results::of(items),
        call_ids: CallIds::of(items),
        has_calls: items.iter().any(|item| matches!(item, Item::Call(_))),
        tape: Tape::default(),
        round: Round::default(),
        first: true,
    };
    writer.all();
    !writer.first
}

/// What the assistant said and did between two other messages.
#[derive(Default)]
struct Round<'i, 'a> {
    reasoning: Vec<&'i Item<'a>>,
    parts: Vec<&'i Part<'a>>,
    calls: Vec<&'i Call<'a>>,
}

struct Writer<'i, 'a, 'w> {
    items: &'i [Item<'a>],
    target: &'w Target,
    names: &'w Names,
    vault: &'w dyn Vault,
    notes: &'w mut Notes,
    out: &'w mut String,
    results: Results<'i>,
    call_ids: CallIds<'i>,
    has_calls: bool,
    /// For arguments, each of which must be a JSON object.
    tape: Tape,
    round: Round<'i, 'a>,
    first: bool,
}

impl<'i, 'a> Writer<'i, 'a, '_> {
    fn all(&mut self) {
        let is_system = |item: &Item<'_>| {
            matches!(item, Item::Message { role: Role::System | Role::Developer, .. })
        };
        let leading = self.items.iter().take_while(|item| is_system(item)).count();
        if leading > 0 {
            self.system(leading);
        }
        for (index, item) in self.items.iter().enumerate().skip(leading) {
            match item {
                Item::Message { role: Role::Assistant, parts } => self.round.parts.extend(parts),
                Item::Message { role: Role::User, parts } => {
                    self.finish_round();
                    self.user(parts);
                }
                Item::Message { role: Role::System | Role::Developer, parts } => {
                    self.finish_round();
                    self.late_system(parts);
                }
                Item::Reasoning { .. } => self.round.reasoning.push(item),
                Item::Call(call) => self.round.calls.push(call),
                Item::Result { call_id, parts } => self.result(index, call_id, parts),
                Item::Compaction { sealed } => {
                    self.finish_round();
                    self.compaction(sealed);
                }
            }
        }
        self.finish_round();
    }

    fn open(&mut self, role: &str) {
        if !std::mem::take(&mut self.first) {
            self.out.push(',');
        }
        self.out.push_str(r#"{"role":""#);
        self.out.push_str(role);
        self.out.push('"');
    }

    fn system_role(&self) -> &'static str {
        if self.target.developer_role { "developer" } else { "system" }
    }

    /// The leading instructions as one message: many chat templates know only one.
    fn system(&mut self, leading: usize) {
        self.open(self.system_role());
        self.out.push_str(r#","content":""#);
        let mut first = true;
        for item in &self.items[..leading] {
            let Item::Message { parts, .. } = item else { continue };
            for part in parts {
                if !std::mem::take(&mut first) {
                    self.out.push_str(r"\n\n");
                }
                self.text_of(part, "input[].content[]");
            }
        }
        self.out.push_str("\"}");
    }

    fn late_system(&mut self, parts: &[Part<'_>]) {
        let role = if self.target.late_system {
            self.system_role()
        } else {
            self.notes.add(Code::SystemMoved, "input[]");
            "user"
        };
        self.open(role);
        self.text_content(parts, r"\n\n");
        self.out.push('}');
    }

    fn user(&mut self, parts: &[Part<'_>]) {
        if parts.is_empty() {
            return;
        }
        self.open("user");
        self.content(parts);
        self.out.push('}');
    }

    /// `,"content":…` as a string, or as a list where something else than text is passed on.
    fn content(&mut self, parts: &[Part<'_>]) {
        if !parts.iter().any(|part| self.carries(part)) {
            self.text_content(parts, r"\n");
            return;
        }
        self.out.push_str(r#","content":["#);
        // MiMo refuses a part without text.
        let says = |part: &&Part<'_>| !matches!(part, Part::Text(text) | Part::Refusal(text) if text.is_empty());
        for (index, part) in parts.iter().filter(says).enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            if self.carries(part) {
                self.media(part);
            } else {
                self.out.push_str(r#"{"type":"text","text":""#);
                self.text_of(part, "input[].content[]");
                self.out.push_str("\"}");
            }
        }
        self.out.push(']');
    }

    fn text_content(&mut self, parts: &[Part<'_>], separator: &str) {
        self.out.push_str(r#","content":""#);
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.out.push_str(separator);
            }
            self.text_of(part, "input[].content[]");
        }
        self.out.push('"');
    }

    /// Whether the target takes this part as it is, and not as text.
    fn carries(&self, part: &Part<'_>) -> bool {
        match part {
            Part::Image { .. } => self.target.images,
            Part::File { data, .. } => self.target.files && data.is_some(),
            Part::Text(_) | Part::Refusal(_) | Part::Other { .. } => false,
        }
    }

    fn media(&mut self, part: &Part<'_>) {
        match part {
            Part::Image { url, detail } => {
                self.out.push_str(r#"{"type":"image_url","image_url":{"url":""#);
                self.out.push_str(url.escaped());
                self.out.push('"');
                if let Some(detail) = detail.as_ref().filter(|detail| !detail.is("auto")) {
                    let known = detail.is("low") || detail.is("high");
                    if !known {
                        self.notes.add(Code::ImageDetail, "input[].content[].detail");
                    }
                    let detail = if known { detail.escaped() } else { "high" };
                    self.out.push_str(r#","detail":""#);
                    self.out.push_str(detail);
                    self.out.push('"');
                }
                self.out.push_str("}}");
            }
            Part::File { name, data, .. } => {
                self.out.push_str(r#"{"type":"file","file":{"filename":""#);
                self.out.push_str(name.as_ref().map_or("file", Escaped::escaped));
                self.out.push_str(r#"","file_data":""#);
                self.out.push_str(data.as_ref().map_or("", Escaped::escaped));
                self.out.push_str("\"}}");
            }
            Part::Text(_) | Part::Refusal(_) | Part::Other { .. } => {}
        }
    }

    /// A part as text: what it says, or the marker that stands for it.
    fn text_of(&mut self, part: &Part<'_>, at: &'static str) {
        stand_in::text_of(part, at, self.notes, self.out);
    }

    fn compaction(&mut self, sealed: &Escaped<'_>) {
        match self.vault.open(Sealed::Compaction, &sealed.text()) {
            Opened::Text(summary) => {
                let text = stand_in::summary(&summary);
                self.user(&[Part::Text(Escaped::plain(&text))]);
            }
            Opened::Foreign => {
                self.notes.add(Code::CompactionUnreadable, "input[].encrypted_content")
            }
        }
    }

    fn result(&mut self, index: usize, call_id: &Escaped<'_>, parts: &[Part<'_>]) {
        let pending = self.round.calls.iter().any(|call| call.id == *call_id);
        if pending && !self.results.is_used(index) {
            self.finish_round();
        }
        if self.results.is_used(index) {
            return;
        }
        self.finish_round();
        self.results.take_orphan(call_id.escaped(), index);
        self.notes.add(Code::ResultOrphan, "input[].call_id");
        self.user(parts);
    }

    /// Writes what the assistant said and called, then the results of its calls.
    fn finish_round(&mut self) {
        let round = std::mem::take(&mut self.round);
        if round.parts.is_empty() && round.calls.is_empty() {
            if !round.reasoning.is_empty() {
                self.notes.add(Code::ReasoningDropped, "input[].reasoning");
            }
            return;
        }
        self.open("assistant");
        let text: Vec<&Part<'_>> = round.parts;
        if text.is_empty() {
            let empty = if self.target.has(Quirk::ContentRequired) { "\"\"" } else { "null" };
            self.out.push_str(r#","content":"#);
            self.out.push_str(empty);
        } else {
            self.out.push_str(r#","content":""#);
            for (index, part) in text.into_iter().enumerate() {
                if index > 0 {
                    self.out.push_str(r"\n\n");
                }
                self.text_of(part, "input[].content[]");
            }
            self.out.push('"');
        }
        self.reasoning(&round.reasoning);
        if round.calls.is_empty() {
            self.out.push('}');
            return;
        }
        self.out.push_str(r#","tool_calls":["#);
        let mut ids = Vec::with_capacity(round.calls.len());
        for (index, call) in round.calls.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            ids.push(self.call(call));
        }
        self.out.push_str("]}");
        self.answers(&round.calls, &ids);
    }

    /// Writes one call and returns the id it got: ids must be unique within the conversation.
    fn call(&mut self, call: &'i Call<'a>) -> String {
        let (id, is_new) = self.call_ids.next(call.id.escaped());
        if is_new {
            self.notes.add(Code::CallIdRepeated, "input[].call_id");
        }
        self.out.push_str(r#"{"id":""#);
        self.out.push_str(&id);
        self.out.push_str(r#"","type":"function","function":{"name":""#);
        self.out.push_str(&self.names.mentioned(&call.name));
        self.out.push_str(r#"","arguments":""#);
        wrap::arguments(&call.payload, &mut self.tape, self.notes, self.out);
        self.out.push_str("\"}}");
        id
    }

    /// The result of each call, and after them the images that only a user message may carry.
    fn answers(&mut self, calls: &[&'i Call<'a>], ids: &[String]) {
        let mut images: Vec<&'i Part<'a>> = Vec::new();
        for (call, id) in calls.iter().zip(ids) {
            let found = self.results.take(call.id.escaped());
            self.open("tool");
            self.out.push_str(r#","tool_call_id":""#);
            self.out.push_str(id);
            self.out.push('"');
            let parts = match found.map(|index| &self.items[index]) {
                Some(Item::Result { parts, .. }) => parts.as_slice(),
                _ => {
                    self.notes.add(Code::ResultMissing, "input[].call_id");
                    self.text_content(&[Part::Text(Escaped::plain(MISSING_RESULT))], "");
                    self.out.push('}');
                    continue;
                }
            };
            if self.target.tool_images {
                self.content(parts);
            } else {
                self.result_text(parts, &mut images);
            }
            self.out.push('}');
        }
        if !images.is_empty() {
            self.open("user");
            self.out.push_str(r#","content":["#);
            for (index, image) in images.into_iter().enumerate() {
                if index > 0 {
                    self.out.push(',');
                }
                self.media(image);
            }
            self.out.push_str("]}");
        }
    }

    /// A result's content as text; what else the target takes is put aside.
    fn result_text(&mut self, parts: &'i [Part<'a>], aside: &mut Vec<&'i Part<'a>>) {
        self.out.push_str(r#","content":""#);
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.out.push_str(r"\n");
            }
            if self.carries(part) {
                self.notes.add(Code::ImageMoved, "input[].output[]");
                self.out.push_str("[attached to the next message]");
                aside.push(part);
            } else {
                self.text_of(part, "input[].output[]");
            }
        }
        self.out.push('"');
    }

    /// The reasoning of a round, in the member where the model takes it back.
    fn reasoning(&mut self, items: &[&Item<'_>]) {
        if self.target.replay == Replay::No {
            if !items.is_empty() {
                self.notes.add(Code::ReasoningDropped, "input[].reasoning");
            }
            return;
        }
        let mut text = String::new();
        for item in items {
            let Item::Reasoning { sealed, text: shown, summary } = item else { continue };
            if !text.is_empty() {
                text.push_str(r"\n\n");
            }
            let opened = sealed.as_ref().map(|s| self.vault.open(Sealed::Reasoning, &s.text()));
            match opened {
                Some(Opened::Text(packed)) => {
                    text.push_str(Escaped::plain(&Thought::unpack(&packed).text).escaped());
                }
                // What was shown in full is as good, whoever sealed the copy.
                _ if !shown.is_empty() => {
                    shown.iter().for_each(|piece| text.push_str(piece.escaped()));
                }
                // quire shows all of it as the summary; a summary is still better than nothing.
                None if !summary.is_empty() => {
                    summary.iter().for_each(|piece| text.push_str(piece.escaped()));
                }
                // An empty item says nothing.
                None => {}
                _ => self.notes.add(Code::ReasoningForeign, "input[].encrypted_content"),
            }
        }
        let (before, after) = match self.target.replay {
            Replay::No => return,
            Replay::ReasoningContent => (r#","reasoning_content":""#, "\""),
            Replay::Reasoning => (r#","reasoning":""#, "\""),
            Replay::ReasoningDetails => {
                (r#","reasoning_details":[{"type":"reasoning.text","text":""#, "\"}]")
            }
        };
        // A thinking DeepSeek or MiMo refuses calls without the member, and once there were calls
        // plain answers too; an empty text is enough.
        let demanded = self.has_calls && self.target.replay == Replay::ReasoningContent;
        if !text.is_empty() || demanded {
            self.out.push_str(before);
            self.out.push_str(&text);
            self.out.push_str(after);
        }
    }
}
