//! A conversation as the messages of a Messages request that a strict server accepts: user and
//! assistant in turn, and the results of calls first in what the user says next. Thoughts stand where
//! they stood between calls: Anthropic refuses the latest turn with its thoughts in another order
//! ("cannot be modified", as users of other gateways report it).
//!
//! A conversation may begin with the assistant: Anthropic takes that since October 2024 (its release
//! notes), so nothing is put before it. What stands early in a conversation is written the same however it goes on: prompt caches and the
//! signatures of newer models' thinking both depend on it.

use super::cache::Marks;
use super::media::{self, Media};
use super::think::Thinking;
use crate::json::{Document, Escaped, Kind, Tape};
use crate::names::Names;
use crate::note::{Code, Notes};
use crate::rounds::{CallIds, MISSING_RESULT, Results};
use crate::stand_in;
use crate::target::Target;
use crate::thought::Thought;
use crate::turn::{Call, Item, Opaque, Opened, Part, Payload, Role, Sealed, Vault};

/// What the user says where the target wants it to speak last and it has not.
const GO_ON: &str = "Continue.";

/// How many items at the start are the system's.
pub(super) fn leading(items: &[Item<'_>]) -> usize {
    let is_system = |item: &&Item<'_>| {
        matches!(item, Item::Message { role: Role::System | Role::Developer, .. })
    };
    items.iter().take_while(is_system).count()
}

/// Writes the text blocks of the system's leading items, without brackets.
pub(super) fn system(items: &[Item<'_>], notes: &mut Notes, out: &mut String) {
    let from = out.len();
    for item in &items[..leading(items)] {
        let Item::Message { parts, .. } = item else { continue };
        for part in parts.iter().filter(|part| !is_blank(part)) {
            if out.len() > from {
                out.push(',');
            }
            text_block(part, notes, out);
        }
    }
}

/// What the messages came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Written {
    /// There are messages.
    pub(super) any: bool,
    /// The turn that is under way begins without thinking. A request for thinking with a budget is
    /// then refused.
    pub(super) lacks_thought: bool,
}

/// What everything is written for.
#[derive(Clone, Copy)]
pub(super) struct For<'w> {
    pub(super) target: &'w Target,
    pub(super) names: &'w Names,
    pub(super) vault: &'w dyn Vault,
    pub(super) thinking: Thinking,
    /// There is system text, so the user must say something.
    pub(super) has_system: bool,
}

/// Writes the messages, without brackets.
pub(super) fn write(
    items: &[Item<'_>],
    to: For<'_>,
    notes: &mut Notes,
    out: &mut String,
) -> Written {
    let writer = Writer {
        items,
        to,
        notes,
        out,
        results: Results::of(items),
        call_ids: CallIds::default(),
        tape: Tape::default(),
        round: Vec::new(),
        late_system: Vec::new(),
        speaker: None,
        marks: Marks::default(),
        results_given: false,
        turn: Turn::Begins,
    };
    writer.all()
}

/// Whose message is being written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Speaker {
    User,
    Assistant,
    System,
}

/// How far the assistant's turn has come: from what the user said to what it says last, with all the
/// calls and results between.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Turn {
    /// The assistant has not spoken.
    Begins,
    /// It has, and this is whether it thought first.
    Begun { with_thought: bool },
}

/// One thing that the assistant said or did.
#[derive(Clone, Copy)]
enum Said<'i, 'a> {
    Thought(&'i Item<'a>),
    Part(&'i Part<'a>),
    Call(&'i Call<'a>),
}

struct Writer<'i, 'a, 'w> {
    items: &'i [Item<'a>],
    to: For<'w>,
    notes: &'w mut Notes,
    out: &'w mut String,
    results: Results<'i>,
    call_ids: CallIds<'i>,
    /// For arguments, each of which must be a JSON object.
    tape: Tape,
    /// What the assistant said and did since another spoke.
    round: Vec<Said<'i, 'a>>,
    /// What the system said since. Whose message it becomes depends on who speaks next.
    late_system: Vec<&'i Part<'a>>,
    speaker: Option<Speaker>,
    marks: Marks,
    /// The user's last message holds results.
    results_given: bool,
    turn: Turn,
}

impl<'i, 'a> Writer<'i, 'a, '_> {
    fn all(mut self) -> Written {
        for (index, item) in self.items.iter().enumerate().skip(leading(self.items)) {
            match item {
                Item::Message { role: Role::Assistant, parts } => {
                    let says = parts.iter().filter(|part| !is_blank(part));
                    self.round.extend(says.map(Said::Part));
                }
                Item::Message { role: Role::User, parts } => {
                    self.finish_round();
                    self.user(parts);
                }
                Item::Message { role: Role::System | Role::Developer, parts } => {
                    self.finish_round();
                    self.late_system(parts);
                }
                Item::Reasoning { .. } => self.round.push(Said::Thought(item)),
                Item::Call(call) => self.round.push(Said::Call(call)),
                Item::Result { call_id, parts } => self.result(index, call_id, parts),
                Item::Compaction { sealed } => self.compaction(sealed),
            }
        }
        self.finish_round();
        self.end()
    }

    fn end(mut self) -> Written {
        self.settle_system(Speaker::Assistant);
        // Models of 2026 refuse to go on in the assistant's own words (platform.claude.com, "What's
        // new in Claude 4.6"), and older ones would not answer but finish its sentence.
        let spoke = self.speaker.is_some() || self.to.has_system;
        if spoke && !matches!(self.speaker, Some(Speaker::User | Speaker::System)) {
            self.notes.add(Code::UserTurnAdded, "input[]");
            self.begin(Speaker::User);
            text_block(&Part::Text(Escaped::plain(GO_ON)), self.notes, self.out);
        }
        self.end_message();
        self.out.truncate(self.out.len() - usize::from(self.out.ends_with(',')));
        if self.to.target.takes("cache_control") {
            self.marks.write(self.out);
        }
        let with_thought = self.turn == Turn::Begun { with_thought: true };
        Written { any: spoke, lacks_thought: self.results_given && !with_thought }
    }

    /// Goes on with this speaker's message, or begins one. Whoever calls this writes a block.
    fn begin(&mut self, speaker: Speaker) {
        if self.speaker == Some(speaker) {
            self.out.push(',');
            return;
        }
        self.end_message();
        self.speaker = Some(speaker);
        self.out.push_str(match speaker {
            Speaker::User => r#"{"role":"user","content":["#,
            Speaker::Assistant => r#"{"role":"assistant","content":["#,
            Speaker::System => r#"{"role":"system","content":["#,
        });
        match speaker {
            Speaker::User => self.results_given = false,
            Speaker::Assistant if !self.results_given => self.turn = Turn::Begins,
            Speaker::Assistant | Speaker::System => {}
        }
    }

    fn end_message(&mut self) {
        let Some(speaker) = self.speaker.take() else { return };
        if speaker == Speaker::User {
            self.marks.message_ended(self.out.len() - 1);
        }
        self.out.push_str("]},");
    }

    /// A block of the assistant begins.
    fn begin_said(&mut self, is_thought: bool) {
        self.begin(Speaker::Assistant);
        if self.turn == Turn::Begins {
            self.turn = Turn::Begun { with_thought: is_thought };
        }
    }

    fn late_system(&mut self, parts: &'i [Part<'a>]) {
        self.late_system.extend(parts.iter().filter(|part| !is_blank(part)));
        if !self.to.target.late_system {
            self.settle_system(Speaker::User);
        }
    }

    /// Writes what the system said late. A message of its own must follow one of the user and
    /// precede one of the assistant, or nothing (platform.claude.com, "Mid-conversation system
    /// messages").
    fn settle_system(&mut self, next: Speaker) {
        let parts = std::mem::take(&mut self.late_system);
        let fits = next == Speaker::Assistant && self.speaker == Some(Speaker::User);
        for part in parts {
            if !fits {
                self.notes.add(Code::SystemMoved, "input[]");
            }
            self.begin(if fits { Speaker::System } else { Speaker::User });
            text_block(part, self.notes, self.out);
        }
    }

    fn user(&mut self, parts: &[Part<'_>]) {
        self.settle_system(Speaker::User);
        for part in parts.iter().filter(|part| !is_blank(part)) {
            self.begin(Speaker::User);
            match media::of(part, self.to.target) {
                Some(media) => self.media(part, &media),
                None => self.text_block(part, "input[].content[]"),
            }
        }
    }

    fn media(&mut self, part: &Part<'_>, media: &Media<'_>) {
        if let Part::Image { detail: Some(detail), .. } = part
            && !detail.is("auto")
        {
            self.notes.add(Code::FieldIgnored, "input[].content[].detail");
        }
        media.write(self.out);
    }

    /// A part as text, where it is not passed on as what it is.
    fn text_block(&mut self, part: &Part<'_>, at: &'static str) {
        self.out.push_str(r#"{"type":"text","text":""#);
        self.text_of(part, at);
        self.out.push_str("\"}");
    }

    fn text_of(&mut self, part: &Part<'_>, at: &'static str) {
        let target = self.to.target;
        match part {
            Part::Image { .. } if target.images => {
                self.notes.add(Code::PartDropped, at);
                self.out
                    .push_str("[image omitted: the model's server takes no image of this form]");
            }
            Part::File { name, .. } if target.files => {
                self.notes.add(Code::PartDropped, at);
                self.out.push_str("[file ");
                self.out.push_str(name.as_ref().map_or("", Escaped::escaped));
                self.out.push_str(" omitted: the model's server takes no file of this form]");
            }
            _ => stand_in::text_of(part, at, self.notes, self.out),
        }
    }

    fn compaction(&mut self, sealed: &Escaped<'_>) {
        match self.to.vault.open(Sealed::Compaction, &sealed.text()) {
            Opened::Text(summary) => {
                self.finish_round();
                let text = stand_in::summary(&summary);
                self.user(&[Part::Text(Escaped::plain(&text))]);
            }
            Opened::Foreign => {
                self.notes.add(Code::CompactionUnreadable, "input[].encrypted_content");
            }
        }
    }

    fn result(&mut self, index: usize, call_id: &Escaped<'_>, parts: &[Part<'_>]) {
        let pending =
            self.round.iter().any(|said| matches!(said, Said::Call(call) if call.id == *call_id));
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
        let mut round = std::mem::take(&mut self.round);
        let is_thought = |said: &Said<'_, '_>| matches!(said, Said::Thought(_));
        // Thinking that came to nothing: a message must not end with it.
        let end = round.iter().rposition(|said| !is_thought(said)).map_or(0, |last| last + 1);
        if round.drain(end..).next().is_some() {
            self.notes.add(Code::ReasoningDropped, "input[].reasoning");
        }
        if round.is_empty() {
            return;
        }
        self.settle_system(Speaker::Assistant);
        let is_call = |said: &Said<'_, '_>| matches!(said, Said::Call(_));
        if self.to.thinking == Thinking::Budget {
            // Where thinking has a budget it comes first.
            let first_call = round.iter().position(is_call).unwrap_or(round.len());
            round[..first_call].sort_by_key(|said| !is_thought(said));
        }
        // What is called last stands last.
        let after_thoughts = round.iter().rposition(is_thought).map_or(0, |last| last + 1);
        round[after_thoughts..].sort_by_key(is_call);
        let (mut calls, mut ids) = (Vec::new(), Vec::new());
        for said in round {
            match said {
                Said::Thought(item) => self.thought(item),
                Said::Part(part) => {
                    self.begin_said(false);
                    text_block(part, self.notes, self.out);
                }
                Said::Call(call) => {
                    ids.push(self.call(call));
                    calls.push(call);
                }
            }
        }
        self.answers(&calls, &ids);
    }

    /// Writes a thought as its issuer sealed it, or leaves it out.
    fn thought(&mut self, item: &Item<'_>) {
        let Item::Reasoning { sealed, text, summary } = item else { return };
        if self.to.thinking == Thinking::Off {
            // A model that does not think refuses thoughts in the turn that is under way.
            self.notes.add(Code::ReasoningDropped, "input[].reasoning");
            return;
        }
        let opened = sealed.as_ref().map(|s| self.to.vault.open(Sealed::Reasoning, &s.text()));
        let shown =
            |pieces: &[Escaped<'_>]| -> String { pieces.iter().map(Escaped::escaped).collect() };
        match opened {
            Some(Opened::Text(packed)) => {
                let mut tape = std::mem::take(&mut self.tape);
                self.opened_thought(&packed, &mut tape);
                self.tape = tape;
            }
            // What was shown in full is as good, whoever sealed the copy.
            Some(Opened::Foreign) => self.unsigned(&shown(text), Code::ReasoningForeign),
            None if text.is_empty() => self.unsigned(&shown(summary), Code::ReasoningDropped),
            None => self.unsigned(&shown(text), Code::ReasoningDropped),
        }
    }

    fn opened_thought(&mut self, packed: &str, tape: &mut Tape) {
        match Thought::read(packed, tape) {
            (text, Some(Opaque::Signature(signature))) => {
                self.thinking(text.escaped(), Some(&signature));
            }
            (_, Some(Opaque::Redacted(data))) => {
                self.begin_said(true);
                self.out.push_str(r#"{"type":"redacted_thinking","data":""#);
                self.out.push_str(data.escaped());
                self.out.push_str("\"}");
            }
            (text, _) => self.unsigned(text.escaped(), Code::ReasoningDropped),
        }
    }

    /// Writes a thought without a signature where the target takes that; otherwise this is why not.
    fn unsigned(&mut self, text: &str, code: Code) {
        if self.to.target.unsigned_thinking && !text.is_empty() {
            self.thinking(text, None);
        } else if code == Code::ReasoningForeign || !text.is_empty() {
            let at = match code {
                Code::ReasoningForeign => "input[].encrypted_content",
                _ => "input[].reasoning",
            };
            self.notes.add(code, at);
        }
    }

    fn thinking(&mut self, text: &str, signature: Option<&Escaped<'_>>) {
        self.begin_said(true);
        self.out.push_str(r#"{"type":"thinking","thinking":""#);
        self.out.push_str(text);
        if let Some(signature) = signature {
            self.out.push_str(r#"","signature":""#);
            self.out.push_str(signature.escaped());
        }
        self.out.push_str("\"}");
    }

    /// Writes one call and returns the id it got: ids must be unique, and of plain characters.
    fn call(&mut self, call: &'i Call<'a>) -> String {
        let (id, is_new) = self.call_ids.next(call.id.escaped());
        if is_new {
            self.notes.add(Code::CallIdRepeated, "input[].call_id");
        }
        let id = match legal_id(&id) {
            Some(legal) => {
                self.notes.add(Code::CallIdMapped, "input[].call_id");
                legal
            }
            None => id,
        };
        self.begin_said(false);
        self.out.push_str(r#"{"type":"tool_use","id":""#);
        self.out.push_str(&id);
        self.out.push_str(r#"","name":""#);
        self.out.push_str(&self.to.names.mentioned(&call.name));
        self.out.push_str(r#"","input":"#);
        self.input(&call.payload);
        self.out.push('}');
        id
    }

    /// What a call was called with, as a JSON object.
    fn input(&mut self, payload: &Payload<'_>) {
        match payload {
            Payload::Object(raw) => self.out.push_str(raw),
            Payload::Input(text) => self.wrapped("input", text),
            Payload::Arguments(text) => {
                let plain = text.text();
                let is_object =
                    self.tape.read(&plain).is_ok_and(|value| value.kind() == Kind::Object);
                if is_object && self.tape.has_halves() {
                    // What was hidden inside of a text stands open now.
                    match Document::parse(plain.into_owned()) {
                        Ok(mut document) => {
                            document.mend();
                            self.out.push_str(document.root().raw());
                        }
                        Err(_) => self.out.push_str("{}"),
                    }
                } else if is_object {
                    self.out.push_str(plain.trim());
                } else if plain.trim().is_empty() {
                    self.out.push_str("{}");
                } else {
                    self.notes.add(Code::ArgumentsRepaired, "input[].arguments");
                    self.wrapped("arguments", text);
                }
            }
        }
    }

    fn wrapped(&mut self, name: &str, text: &Escaped<'_>) {
        self.out.push_str("{\"");
        self.out.push_str(name);
        self.out.push_str("\":\"");
        self.out.push_str(text.escaped());
        self.out.push_str("\"}");
    }

    /// The result of each call, and after them the images that results may not hold.
    fn answers(&mut self, calls: &[&'i Call<'a>], ids: &[String]) {
        let mut aside: Vec<(&'i Part<'a>, Media<'i>)> = Vec::new();
        for (call, id) in calls.iter().zip(ids) {
            let found = self.results.take(call.id.escaped()).map(|index| &self.items[index]);
            self.begin(Speaker::User);
            self.results_given = true;
            self.out.push_str(r#"{"type":"tool_result","tool_use_id":""#);
            self.out.push_str(id);
            self.out.push('"');
            match found {
                Some(Item::Result { parts, .. }) => self.result_content(parts, &mut aside),
                _ => {
                    self.notes.add(Code::ResultMissing, "input[].call_id");
                    self.out.push_str(r#","content":""#);
                    self.out.push_str(MISSING_RESULT);
                    self.out.push_str(r#"","is_error":true"#);
                }
            }
            self.out.push('}');
        }
        for (part, media) in aside {
            self.begin(Speaker::User);
            self.media(part, &media);
        }
    }

    fn result_content(
        &mut self,
        parts: &'i [Part<'a>],
        aside: &mut Vec<(&'i Part<'a>, Media<'i>)>,
    ) {
        let mut said = parts.iter().filter(|part| !is_blank(part)).peekable();
        let Some(first) = said.next() else { return };
        if let (Part::Text(text), None) = (first, said.peek()) {
            self.out.push_str(r#","content":""#);
            self.out.push_str(text.escaped());
            self.out.push('"');
            return;
        }
        self.out.push_str(r#","content":["#);
        for (index, part) in [first].into_iter().chain(said).enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            match media::of(part, self.to.target) {
                Some(media) if self.to.target.tool_images => self.media(part, &media),
                Some(media) => {
                    self.notes.add(Code::ImageMoved, "input[].output[]");
                    let note = Part::Text(Escaped::plain("[attached after the results]"));
                    text_block(&note, self.notes, self.out);
                    aside.push((part, media));
                }
                None => self.text_block(part, "input[].output[]"),
            }
        }
        self.out.push(']');
    }
}

fn text_block(part: &Part<'_>, notes: &mut Notes, out: &mut String) {
    out.push_str(r#"{"type":"text","text":""#);
    stand_in::text_of(part, "input[].content[]", notes, out);
    out.push_str("\"}");
}

/// Whether a part says nothing: Anthropic refuses text of spaces alone.
fn is_blank(part: &Part<'_>) -> bool {
    match part {
        Part::Text(text) | Part::Refusal(text) => match text.escaped().bytes().next() {
            None => true,
            Some(byte) if byte.is_ascii_graphic() && byte != b'\\' => false,
            Some(_) => text.text().trim().is_empty(),
        },
        Part::Image { .. } | Part::File { .. } | Part::Other { .. } => false,
    }
}

/// An id of letters, digits, `_` and `-` for one that holds something else. The same id gets the same.
fn legal_id(id: &str) -> Option<String> {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if id.chars().all(legal) {
        return None;
    }
    let mut made: String = id.chars().map(|c| if legal(c) { c } else { '_' }).collect();
    made.push('_');
    made.push_str(&crate::names::hash(id));
    Some(made)
}
