//! A conversation as input items that a strict Responses server accepts: each call answered right
//! after its round, reasoning only before what it led to, no ids of items that the server does not
//! keep.
//!
//! Contents that are nothing but text are strings and refusals are text: every server knows that,
//! while some refuse lists of `output_text` without the ids that OpenAI gives them (vLLM, whose
//! types are those of OpenAI's SDK), or parts that they do not know (Ollama).

use crate::json::{Escaped, Tape};
use crate::names::{self, Names};
use crate::note::{Code, Notes};
use crate::rounds::{CallIds, MISSING_RESULT, Results};
use crate::stand_in::{self, text_of};
use crate::target::{Replay, Target};
use crate::thought::Thought;
use crate::turn::{Call, Item, Opaque, Opened, Part, Payload, Role, Sealed, Vault};
use crate::wrap;

/// How many items at the start are system text that goes into `instructions`. A server refuses a
/// request whose `input` is empty, so system text alone goes there.
pub(super) fn leading(items: &[Item<'_>]) -> usize {
    let is_system = |item: &&Item<'_>| {
        matches!(item, Item::Message { role: Role::System | Role::Developer, .. })
    };
    let count = items.iter().take_while(is_system).count();
    if count == items.len() { 0 } else { count }
}

/// Writes the system text of these items, joined with blank lines.
pub(super) fn instructions(items: &[Item<'_>], notes: &mut Notes, out: &mut String) {
    let parts = items.iter().flat_map(|item| match item {
        Item::Message { parts, .. } => parts.as_slice(),
        _ => &[],
    });
    for (index, part) in parts.enumerate() {
        if index > 0 {
            out.push_str(r"\n\n");
        }
        text_of(part, "input[].content[]", notes, out);
    }
}

/// Writes `items`, without brackets, and says whether there are any.
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
        tape: Tape::default(),
        round: Vec::new(),
        thoughts: Vec::new(),
        open_thoughts: 0,
        first: true,
    };
    writer.all();
    !writer.first
}

/// A call that waits for its result to be written.
struct Asked<'i, 'a> {
    call: &'i Call<'a>,
    /// The id that it got.
    id: String,
    /// What kind of item answers it.
    answer: &'static str,
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
    /// For arguments, each of which must be a JSON object.
    tape: Tape,
    /// The calls since the last message of somebody else.
    round: Vec<Asked<'i, 'a>>,
    /// Reasoning that waits for what it led to: alone it would be refused.
    thoughts: Vec<String>,
    /// How many thoughts went as text.
    open_thoughts: u32,
    first: bool,
}

impl<'i, 'a> Writer<'i, 'a, '_> {
    fn all(&mut self) {
        for (index, item) in self.items.iter().enumerate() {
            match item {
                Item::Message { role: Role::Assistant, parts } => self.assistant(parts),
                Item::Message { role: Role::User, parts } => {
                    self.finish_round();
                    self.user(parts);
                }
                Item::Message { role, parts } => {
                    self.finish_round();
                    self.system(*role, parts);
                }
                Item::Reasoning { sealed, text, summary } => {
                    self.reasoning(sealed.as_ref(), text, summary);
                }
                Item::Call(call) => self.call(call),
                Item::Result { call_id, parts } => self.result(index, call_id, parts),
                Item::Compaction { sealed } => {
                    self.finish_round();
                    self.compaction(sealed);
                }
            }
        }
        self.finish_round();
    }

    fn open(&mut self, start: &str) {
        if !std::mem::take(&mut self.first) {
            self.out.push(',');
        }
        self.out.push_str(start);
    }

    fn message(&mut self, role: &str) {
        self.open(r#"{"type":"message","role":""#);
        self.out.push_str(role);
        self.out.push_str(r#"","content":"#);
    }

    fn system(&mut self, role: Role, parts: &[Part<'_>]) {
        let role = match role {
            _ if !self.target.late_system && !self.first => {
                self.notes.add(Code::SystemMoved, "input[]");
                "user"
            }
            Role::Developer if self.target.developer_role => "developer",
            _ => "system",
        };
        self.message(role);
        self.text(parts, r"\n\n");
        self.out.push('}');
    }

    fn user(&mut self, parts: &[Part<'_>]) {
        if parts.is_empty() {
            return;
        }
        self.message("user");
        self.content(parts);
        self.out.push('}');
    }

    fn assistant(&mut self, parts: &[Part<'_>]) {
        let is_empty = |part: &Part<'_>| matches!(part, Part::Text(text) | Part::Refusal(text) if text.is_empty());
        if parts.iter().all(is_empty) {
            return;
        }
        self.think();
        self.message("assistant");
        self.text(parts, r"\n\n");
        self.out.push('}');
    }

    /// The content of a message: a string where there is one text, else a list.
    fn content(&mut self, parts: &[Part<'_>]) {
        if parts.len() == 1 && !self.carries(&parts[0]) {
            return self.text(parts, "");
        }
        self.list(parts, "input[].content[]");
    }

    fn list(&mut self, parts: &[Part<'_>], at: &'static str) {
        self.out.push('[');
        // An empty text beside others says nothing, and some servers refuse it.
        let says = |part: &&Part<'_>| !matches!(part, Part::Text(text) | Part::Refusal(text) if text.is_empty());
        let silent = !parts.iter().any(|part| says(&part));
        let mut first = true;
        for part in parts.iter().filter(|part| silent || says(part)) {
            if !std::mem::take(&mut first) {
                self.out.push(',');
            }
            if self.carries(part) {
                self.media(part);
            } else {
                self.out.push_str(r#"{"type":"input_text","text":""#);
                text_of(part, at, self.notes, self.out);
                self.out.push_str("\"}");
            }
            if silent {
                break;
            }
        }
        self.out.push(']');
    }

    fn text(&mut self, parts: &[Part<'_>], separator: &str) {
        self.out.push('"');
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.out.push_str(separator);
            }
            text_of(part, "input[].content[]", self.notes, self.out);
        }
        self.out.push('"');
    }

    /// Whether the target takes this part as it is, and not as text.
    fn carries(&self, part: &Part<'_>) -> bool {
        match part {
            Part::Image { url, .. } => self.target.images && is_image(url),
            Part::File { data, url, .. } => {
                self.target.files && (data.is_some() || url.as_ref().is_some_and(is_link))
            }
            Part::Text(_) | Part::Refusal(_) | Part::Other { .. } => false,
        }
    }

    fn media(&mut self, part: &Part<'_>) {
        match part {
            Part::Image { url, detail } => {
                let detail = detail.as_ref().map_or("auto", Escaped::escaped);
                let known = ["auto", "low", "high", "original"].contains(&detail);
                if !known {
                    self.notes.add(Code::ImageDetail, "input[].content[].detail");
                }
                // The SDK's types demand the detail, and so do servers that check with them.
                self.out.push_str(r#"{"type":"input_image","detail":""#);
                self.out.push_str(if known { detail } else { "high" });
                self.out.push_str(r#"","image_url":""#);
                self.out.push_str(url.escaped());
                self.out.push_str("\"}");
            }
            Part::File { name, data: Some(data), .. } => {
                self.out.push_str(r#"{"type":"input_file","filename":""#);
                self.out.push_str(name.as_ref().map_or("file", Escaped::escaped));
                self.out.push_str(r#"","file_data":""#);
                // OpenAI refuses bare base64; PDF is what it reads in that form.
                if !data.text().starts_with("data:") {
                    self.out.push_str("data:application/pdf;base64,");
                }
                self.out.push_str(data.escaped());
                self.out.push_str("\"}");
            }
            Part::File { url, .. } => {
                self.out.push_str(r#"{"type":"input_file","file_url":""#);
                self.out.push_str(url.as_ref().map_or("", Escaped::escaped));
                self.out.push_str("\"}");
            }
            Part::Text(_) | Part::Refusal(_) | Part::Other { .. } => {}
        }
    }

    fn compaction(&mut self, sealed: &Escaped<'_>) {
        match self.vault.open(Sealed::Compaction, &sealed.text()) {
            Opened::Text(summary) => {
                let text = stand_in::summary(&summary);
                self.user(&[Part::Text(Escaped::plain(&text))]);
            }
            Opened::Foreign => {
                self.notes.add(Code::CompactionUnreadable, "input[].encrypted_content");
            }
        }
    }

    /// Puts reasoning aside until it is known what it led to.
    fn reasoning(
        &mut self,
        sealed: Option<&Escaped<'a>>,
        text: &[Escaped<'a>],
        summary: &[Escaped<'a>],
    ) {
        let opened = sealed.map(|sealed| self.vault.open(Sealed::Reasoning, &sealed.text()));
        let plain = match opened {
            Some(Opened::Text(packed)) => match Thought::unpack(&packed) {
                Thought { text, opaque: Some(Opaque::Encrypted(data)) } => {
                    self.thoughts.push(encrypted(&text, &data));
                    return;
                }
                Thought { text, .. } => Escaped::plain(&text).into_owned(),
            },
            // What was shown in full is as good, whoever sealed the copy.
            _ if !text.is_empty() => joined(text),
            Some(Opened::Foreign) => {
                return self.notes.add(Code::ReasoningForeign, "input[].encrypted_content");
            }
            None => joined(summary),
        };
        if plain.is_empty() {
            return;
        }
        if self.target.replay == Replay::No {
            return self.notes.add(Code::ReasoningDropped, "input[].reasoning");
        }
        // Servers whose models think in the open take the text itself; their types demand an id.
        self.open_thoughts += 1;
        let id = self.open_thoughts;
        self.thoughts.push(format!(
            r#"{{"type":"reasoning","id":"rs_{id}","summary":[],"content":[{{"type":"reasoning_text","text":"{}"}}]}}"#,
            plain.escaped()
        ));
    }

    /// Writes the reasoning before what it led to.
    fn think(&mut self) {
        for thought in std::mem::take(&mut self.thoughts) {
            self.open(&thought);
        }
    }

    fn call(&mut self, call: &'i Call<'a>) {
        self.think();
        let (mut id, is_new) = self.call_ids.next(call.id.escaped());
        if is_new {
            self.notes.add(Code::CallIdRepeated, "input[].call_id");
        }
        if let Some(short) = names::shortened(&Escaped::trusted(id.as_str()).text()) {
            self.notes.add(Code::IdShortened, "input[].call_id");
            id = Escaped::plain(&short).escaped().to_owned();
        }
        let custom = self.target.custom_tools && matches!(call.payload, Payload::Input(_));
        let (kind, answer, member) = if custom {
            ("custom_tool_call", "custom_tool_call_output", "input")
        } else {
            ("function_call", "function_call_output", "arguments")
        };
        self.open(r#"{"type":""#);
        let name = self.names.mentioned(&call.name);
        for piece in
            [kind, r#"","call_id":""#, &id, r#"","name":""#, &name, r#"",""#, member, r#"":""#]
        {
            self.out.push_str(piece);
        }
        match &call.payload {
            Payload::Input(text) if custom => self.out.push_str(text.escaped()),
            payload => wrap::arguments(payload, &mut self.tape, self.notes, self.out),
        }
        self.out.push_str("\"}");
        self.round.push(Asked { call, id, answer });
    }

    fn result(&mut self, index: usize, call_id: &Escaped<'_>, parts: &[Part<'_>]) {
        let pending = self.round.iter().any(|asked| asked.call.id == *call_id);
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

    /// Writes the results of the calls since the last message of somebody else, and after them the
    /// images that only a user message may carry.
    fn finish_round(&mut self) {
        if !std::mem::take(&mut self.thoughts).is_empty() {
            self.notes.add(Code::ReasoningDropped, "input[].reasoning");
        }
        let mut aside: Vec<&'i Part<'a>> = Vec::new();
        for Asked { call, id, answer } in std::mem::take(&mut self.round) {
            let found = self.results.take(call.id.escaped());
            self.open(r#"{"type":""#);
            for piece in [answer, r#"","call_id":""#, &id, r#"","output":"#] {
                self.out.push_str(piece);
            }
            match found.map(|index| &self.items[index]) {
                Some(Item::Result { parts, .. }) => self.output(parts, &mut aside),
                _ => {
                    self.notes.add(Code::ResultMissing, "input[].call_id");
                    self.text(&[Part::Text(Escaped::plain(MISSING_RESULT))], "");
                }
            }
            self.out.push('}');
        }
        if !aside.is_empty() {
            self.message("user");
            self.out.push('[');
            for (index, part) in aside.into_iter().enumerate() {
                if index > 0 {
                    self.out.push(',');
                }
                self.media(part);
            }
            self.out.push_str("]}");
        }
    }

    /// What a tool answered: text, or a list where the target sees images there.
    fn output(&mut self, parts: &'i [Part<'a>], aside: &mut Vec<&'i Part<'a>>) {
        if self.target.tool_images && parts.iter().any(|part| self.carries(part)) {
            return self.list(parts, "input[].output[]");
        }
        self.out.push('"');
        for (index, part) in parts.iter().enumerate() {
            if index > 0 {
                self.out.push_str(r"\n");
            }
            if self.carries(part) {
                self.notes.add(Code::ImageMoved, "input[].output[]");
                self.out.push_str("[attached to the next message]");
                aside.push(part);
            } else {
                text_of(part, "input[].output[]", self.notes, self.out);
            }
        }
        self.out.push('"');
    }
}

/// Reasoning that only its server can read. A summary with a blank line may have come in several
/// parts; what is not surely as it came stays out, since the server reads the encrypted form.
fn encrypted(text: &str, data: &Escaped<'_>) -> String {
    let mut item = String::from(r#"{"type":"reasoning","summary":["#);
    if !text.is_empty() && !text.contains("\n\n") {
        item.push_str(r#"{"type":"summary_text","text":""#);
        item.push_str(Escaped::plain(text).escaped());
        item.push_str("\"}");
    }
    item.push_str(r#"],"encrypted_content":""#);
    item.push_str(data.escaped());
    item.push_str("\"}");
    item
}

fn joined(texts: &[Escaped<'_>]) -> Escaped<'static> {
    Escaped::trusted(texts.iter().map(Escaped::escaped).collect::<Vec<_>>().join(r"\n\n"))
}

fn is_link(url: &Escaped<'_>) -> bool {
    let url = url.text();
    url.starts_with("https://") || url.starts_with("http://")
}

/// Whether this is a picture's address that servers accept.
fn is_image(url: &Escaped<'_>) -> bool {
    is_link(url) || {
        let url = url.text();
        let data = url.strip_prefix("data:image/").and_then(|rest| rest.split_once(";base64,"));
        data.is_some_and(|(kind, data)| {
            ["png", "jpeg", "jpg", "gif", "webp"].contains(&kind) && !data.is_empty()
        })
    }
}
