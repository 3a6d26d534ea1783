//! An answer on its way through: what came goes out as it came, but for the model's name. Aside it
//! is read how far the answer is, what it cost, how it ended, and what the upstream sealed.

use super::lines::{Lines, Search};
use crate::answer::Ending;
use crate::dialect::Dialect;
use crate::fault::{Fault, Kind, Phase};
use crate::json::{Escaped, Kind as Json, Tape, Value, quote_into};
use crate::responses::object;
use crate::said;
use crate::turn::{Finish, Usage};
use crate::usage;
use memchr::memmem::Finder;
use std::sync::LazyLock;

// A finder takes longer to be made than to be used.
static ENCRYPTED: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"encrypted_content\""));
static SIGNATURE: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"signature\""));
static REDACTED: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"redacted_thinking\""));
static NUMBER: LazyLock<Finder<'_>> = LazyLock::new(|| Finder::new("\"sequence_number\":"));

/// A response that repeats more of its request is not kept while it streams.
const MAX_ECHO: usize = 4 << 10;

/// The reader of one answer that is passed on.
#[derive(Debug)]
pub struct Tap {
    dialect: Dialect,
    /// The name that the client asked for.
    asked: String,
    tape: Tape,
    /// The bytes of an event that has not ended.
    kept: Vec<u8>,
    search: Search,
    limit: usize,
    generated: bool,
    /// The event that says it is over has come.
    ended: bool,
    finish: Option<Finish>,
    choices: Choices,
    fault: Option<Fault>,
    usage: Option<Usage>,
    /// What the upstream sealed, since the last [`Tap::take_sealed`].
    sealed: Vec<String>,
    place: Place,
}

/// What an ending of quire's own must fit to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The answer's id, as the upstream gave it.
    pub id: String,
    /// When it was begun, in Unix time (Responses).
    pub created_at: Option<u64>,
    /// The response object that was begun, if it is short (Responses).
    begun: String,
    /// The number of the next event (Responses).
    pub sequence: u64,
}

/// Which choices of a Chat answer have come, and which of them have given their reason: a bit each,
/// for OpenAI makes no more than 128.
#[derive(Debug, Default)]
struct Choices {
    seen: u128,
    finished: u128,
}

impl Choices {
    fn add(&mut self, index: u64, finished: bool) {
        let bit = 1 << index.min(127);
        self.seen |= bit;
        self.finished |= if finished { bit } else { 0 };
    }
}

impl Place {
    /// What the answer repeats of the request, if that is short (Responses).
    pub fn echo(&self) -> String {
        let mut tape = Tape::default();
        tape.read(&self.begun).map(object::repeated).unwrap_or_default()
    }
}

impl Tap {
    /// A reader of an answer in `dialect` to a request for the model `asked`, which refuses events of
    /// more than `limit` bytes.
    pub fn new(dialect: Dialect, asked: impl Into<String>, limit: usize) -> Self {
        Self {
            dialect,
            asked: asked.into(),
            tape: Tape::default(),
            kept: Vec::new(),
            search: Search::first(),
            limit,
            generated: false,
            ended: false,
            finish: None,
            choices: Choices::default(),
            fault: None,
            usage: None,
            sealed: Vec::new(),
            place: Place::default(),
        }
    }

    /// Whether something that the model generated has come.
    pub fn is_generated(&self) -> bool {
        self.generated
    }

    /// Whether the upstream has said that the answer is over.
    pub fn is_ended(&self) -> bool {
        self.ended
    }

    /// Why the model stopped, once known.
    pub fn finish(&self) -> Option<&Finish> {
        self.finish.as_ref()
    }

    /// What went wrong, if the upstream or its stream says so.
    pub fn fault(&self) -> Option<&Fault> {
        self.fault.as_ref()
    }

    /// What the answer cost, as far as it is known.
    pub fn usage(&self) -> Option<Usage> {
        self.usage
    }

    /// Where in the answer an ending of quire's own would stand.
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// What the upstream sealed since the last call.
    pub fn take_sealed(&mut self) -> Vec<String> {
        std::mem::take(&mut self.sealed)
    }

    /// Takes what has come of a stream and appends what goes out: every event that is whole.
    ///
    /// # Errors
    /// One event is larger than the limit. Nothing must be pushed afterwards.
    pub fn push(&mut self, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), Fault> {
        if self.kept.is_empty() {
            let used = self.events(bytes, false, out);
            self.kept.extend_from_slice(&bytes[used..]);
        } else {
            let mut kept = std::mem::take(&mut self.kept);
            kept.extend_from_slice(bytes);
            let used = self.events(&kept, false, out);
            kept.drain(..used);
            self.kept = kept;
        }
        if self.kept.len() > self.limit {
            let text = "an event of the stream is larger than the limit";
            return Err(Fault { phase: Phase::Sent, ..Fault::new(Kind::Protocol, text) });
        }
        Ok(())
    }

    /// Ends a stream. What is left of it goes out, and what comes back is the fault that the client
    /// has not been told of: the answer is not whole, and the upstream did not say so itself.
    pub fn end(&mut self, how: Ending, out: &mut Vec<u8>) -> Option<Fault> {
        let kept = std::mem::take(&mut self.kept);
        let used = self.events(&kept, true, out);
        let rest = &kept[used..];
        let mut last = Vec::new();
        // An event without its blank line counts where it is the last one of a whole answer.
        if how == Ending::Closed && !rest.is_empty() {
            const BLANK: &[u8] = b"\n\n";
            self.events(&[rest, BLANK].concat(), true, &mut last);
            last.truncate(last.len() - BLANK.len());
        }
        let over = self.ended || self.is_whole();
        if over {
            out.extend_from_slice(&last);
        }
        if over {
            return None;
        }
        let fault = match (self.fault.take(), how) {
            (Some(said), _) => said,
            (None, Ending::Broken(fault)) => fault,
            (None, Ending::Closed) => {
                let text = "the upstream closed the stream before the answer was finished";
                Fault { phase: Phase::Sent, ..Fault::new(Kind::Cut, text) }
            }
        };
        self.fault = Some(fault.clone());
        Some(fault)
    }

    /// Chat streams are whole once every choice has given a reason, with or without `[DONE]`.
    fn is_whole(&self) -> bool {
        self.dialect == Dialect::Chat
            && self.finish.is_some()
            && self.choices.seen == self.choices.finished
    }

    /// Reads a whole answer and returns it, with the name that was asked for. A response that failed
    /// is an answer too: it says so itself, and clients read its output and its usage.
    ///
    /// # Errors
    /// It is no JSON object, or an error instead of an answer.
    pub fn answer(&mut self, body: &str) -> Result<String, Fault> {
        let mut tape = std::mem::take(&mut self.tape);
        let protocol =
            |text: String| Fault { phase: Phase::Sent, ..Fault::new(Kind::Protocol, text) };
        let root = tape
            .read(body)
            .map_err(|error| protocol(format!("the upstream sent what is not JSON: {error}")))?;
        let is_answer = self.dialect == Dialect::Responses && is_failed_response(root);
        if !is_answer && let Some(fault) = said::in_stream(root) {
            self.fault = Some(fault.clone());
            return Err(fault);
        }
        if root.kind() != Json::Object {
            let found = root.kind().name();
            return Err(protocol(format!("the upstream sent {found} where an object belongs")));
        }
        self.generated = true;
        self.ended = true;
        self.sealed_in(root);
        match self.dialect {
            Dialect::Chat => self.chat(root),
            Dialect::Responses => self.responses_end(root),
            Dialect::Messages => {
                self.add_usage(root.get("usage"));
                self.stop_reason(root);
            }
        }
        let mut out = Vec::with_capacity(body.len() + 64);
        let bytes = body.as_bytes();
        let sent = splice(bytes, 0, |at| at, body, root.get("model"), &self.asked, &mut out);
        out.extend_from_slice(&bytes[sent..]);
        self.tape = tape;
        // It was text, and text was put into it.
        Ok(String::from_utf8(out).unwrap_or_default())
    }

    /// Sends the whole events of `bytes` on, and returns how many bytes they took.
    fn events(&mut self, bytes: &[u8], last: bool, out: &mut Vec<u8>) -> usize {
        let mut sent = 0;
        let mut start = 0;
        let mut search = std::mem::take(&mut self.search);
        while let Some(lines) = search.next(bytes, last) {
            start = lines.end;
            search = Search::at(start);
            let data = lines.data(bytes);
            if !data.is_empty() && self.concerns(&bytes[lines.event.clone()], &data) {
                sent = self.event(bytes, &lines, &data, sent, out);
            }
        }
        out.extend_from_slice(&bytes[sent..start]);
        // What is kept begins where the last event ended.
        self.search = search.moved(start);
        start
    }

    /// Reads one event. What stands before `sent` is out already; the answer is the new `sent`.
    fn event(
        &mut self,
        bytes: &[u8],
        lines: &Lines,
        data: &[u8],
        sent: usize,
        out: &mut Vec<u8>,
    ) -> usize {
        let event = &bytes[lines.event.clone()];
        let Ok(text) = str::from_utf8(data) else { return sent };
        let mut tape = std::mem::take(&mut self.tape);
        let mut sent = sent;
        if let Ok(root) = tape.read(text) {
            // What follows an end says nothing of the answer any more.
            if !self.ended {
                self.read(event, root);
            }
            let model = self.model_in(root);
            let place = |at| lines.place(at);
            sent = splice(bytes, sent, place, text, model, &self.asked, out);
        }
        self.tape = tape;
        sent
    }

    /// Whether an event must be looked into. Notes on the way what needs no look.
    fn concerns(&mut self, event: &[u8], data: &[u8]) -> bool {
        let holds = |word: &Finder<'_>| word.find(data).is_some();
        match self.dialect {
            Dialect::Chat => {
                if data == b"[DONE]" {
                    self.ended = true;
                    return false;
                }
                true
            }
            Dialect::Responses => {
                let looked_into = match event {
                    b"response.output_item.done" => holds(&ENCRYPTED),
                    event => !event.ends_with(b".delta"),
                };
                if !looked_into {
                    self.generate();
                    self.count(data);
                }
                looked_into
            }
            Dialect::Messages => match event {
                b"content_block_delta" | b"content_block_start" | b"content_block_stop" => {
                    self.generate();
                    holds(&SIGNATURE) || holds(&REDACTED)
                }
                b"ping" => false,
                _ => true,
            },
        }
    }

    /// Something was generated, unless it came after an error.
    fn generate(&mut self) {
        self.generated |= self.fault.is_none() && !self.ended;
    }

    /// Keeps the number of an event that is not looked into otherwise. Inside of strings the quotes
    /// of the name would be escaped.
    fn count(&mut self, data: &[u8]) {
        let Some(at) = NUMBER.find(data) else { return };
        let digits = data[at + NUMBER.needle().len()..].trim_ascii_start();
        let end = digits.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(digits.len());
        let number = str::from_utf8(&digits[..end]).ok().and_then(|digits| digits.parse().ok());
        if let Some(number) = number {
            self.place.sequence = u64::saturating_add(number, 1);
        }
    }

    /// The value that names the model.
    fn model_in<'t, 'a>(&self, root: Value<'t, 'a>) -> Option<Value<'t, 'a>> {
        match self.dialect {
            Dialect::Chat => root.get("model"),
            Dialect::Responses => root.get("response")?.get("model"),
            Dialect::Messages => root.get("message")?.get("model"),
        }
    }

    /// Takes what an event says.
    fn read(&mut self, event: &[u8], root: Value<'_, '_>) {
        let kind = root.get("type").and_then(Value::as_str).unwrap_or_default();
        // Some name an event in one place only.
        let kind = match kind.is_empty() {
            true => String::from_utf8_lossy(event),
            false => kind.text(),
        };
        match self.dialect {
            Dialect::Chat => self.chat(root),
            Dialect::Responses => {
                if let Some(number) = root.get("sequence_number").and_then(Value::as_u64) {
                    self.place.sequence = number.saturating_add(1);
                }
                let response = root.get("response");
                match kind.as_ref() {
                    "response.created" | "response.in_progress" | "response.queued" => {
                        self.keep_place(response);
                    }
                    "response.completed" | "response.incomplete" | "response.failed" => {
                        self.ended = true;
                        self.keep_id(response);
                        if let Some(response) = response {
                            self.responses_end(response);
                        }
                    }
                    // No end by itself: `response.failed` follows it, or must.
                    "error" => self.failed(root),
                    "" if is_error(root) => self.failed(root),
                    _ => {
                        self.generate();
                        self.sealed_in(root);
                    }
                }
            }
            Dialect::Messages => {
                let message = root.get("message");
                match kind.as_ref() {
                    "message_start" => {
                        self.keep_id(message);
                        self.add_usage(message.and_then(|message| message.get("usage")));
                    }
                    "message_delta" => {
                        self.generate();
                        self.add_usage(root.get("usage"));
                        if let Some(delta) = root.get("delta") {
                            self.stop_reason(delta);
                        }
                    }
                    "message_stop" => self.ended = true,
                    "error" => {
                        self.ended = true;
                        self.failed(root);
                    }
                    "ping" => {}
                    // Not the dialect's own error, which its readers would know for an end.
                    "" if is_error(root) => self.failed(root),
                    _ => {
                        if !kind.is_empty() {
                            self.generate();
                        }
                        self.sealed_in(root);
                    }
                }
            }
        }
    }

    /// Keeps what an ending of quire's own repeats of a response that was begun.
    fn keep_place(&mut self, response: Option<Value<'_, '_>>) {
        self.keep_id(response);
        let Some(response) = response.filter(|_| self.place.created_at.is_none()) else { return };
        self.place.created_at = response.get("created_at").and_then(Value::as_u64);
        if response.raw().len() <= MAX_ECHO {
            response.raw().clone_into(&mut self.place.begun);
        }
    }

    fn keep_id(&mut self, of: Option<Value<'_, '_>>) {
        if let Some(id) = of.and_then(|of| of.get("id")).and_then(Value::as_str) {
            self.place.id = id.text().into_owned();
        }
    }

    fn failed(&mut self, root: Value<'_, '_>) {
        let fault = said::in_stream(root).unwrap_or_else(|| {
            let text = "the upstream reported an error without saying why";
            Fault { phase: Phase::Sent, ..Fault::new(Kind::Upstream, text) }
        });
        self.fault = Some(fault);
    }

    /// A chunk, or a whole answer, of Chat Completions.
    fn chat(&mut self, root: Value<'_, '_>) {
        if let Some(fault) = root.get("error").and_then(Value::non_null).and(said::in_stream(root))
        {
            self.ended = true;
            self.fault = Some(fault);
        }
        if self.place.id.is_empty() {
            self.keep_id(Some(root));
        }
        for choice in root.get("choices").into_iter().flat_map(Value::elements) {
            // Some servers send an empty reason with every chunk.
            let reason = choice.get("finish_reason").and_then(Value::as_str);
            let reason = reason.filter(|reason| !reason.is_empty());
            let index = choice.get("index").and_then(Value::as_u64).unwrap_or_default();
            self.choices.add(index, reason.is_some());
            if let Some(reason) = reason {
                self.generate();
                self.finish = Some(match reason.text().as_ref() {
                    "stop" => Finish::Stop,
                    "tool_calls" | "function_call" => Finish::Calls,
                    "length" => Finish::Length,
                    "content_filter" => Finish::Filtered,
                    other => Finish::Other(other.to_owned()),
                });
            }
            let said = |(key, value): (_, Value<'_, '_>)| {
                let key: Escaped<'_> = key;
                !key.is("role") && !matches!(value.raw(), "null" | "\"\"" | "[]")
            };
            if choice.get("delta").is_some_and(|delta| delta.members().any(said)) {
                self.generate();
            }
        }
        if let Some(usage) = root.get("usage").and_then(usage::chat) {
            self.usage = Some(usage);
        }
    }

    /// A response object that is over.
    fn responses_end(&mut self, response: Value<'_, '_>) {
        if let Some(usage) = response.get("usage").and_then(usage::responses) {
            self.usage = Some(usage);
        }
        let status = response.get("status").and_then(Value::as_str).unwrap_or_default();
        match status.text().as_ref() {
            "failed" | "cancelled" => self.failed(response),
            "incomplete" => {
                let reason = response
                    .get("incomplete_details")
                    .and_then(|details| details.get("reason"))
                    .and_then(Value::as_str)
                    .unwrap_or_default();
                self.finish = Some(match reason.text().as_ref() {
                    "content_filter" => Finish::Filtered,
                    _ => Finish::Length,
                });
            }
            _ => self.finish = Some(Finish::Stop),
        }
    }

    fn stop_reason(&mut self, of: Value<'_, '_>) {
        let Some(reason) = of.get("stop_reason").and_then(Value::as_str) else { return };
        self.finish = Some(match reason.text().as_ref() {
            "end_turn" => Finish::Stop,
            "tool_use" => Finish::Calls,
            "max_tokens" | "model_context_window_exceeded" => Finish::Length,
            "refusal" => Finish::Filtered,
            "stop_sequence" => {
                let text = of.get("stop_sequence").and_then(Value::as_str).unwrap_or_default();
                Finish::Sequence(text.text().into_owned())
            }
            other => Finish::Other(other.to_owned()),
        });
    }

    fn add_usage(&mut self, usage: Option<Value<'_, '_>>) {
        if let Some(usage) = usage.and_then(|usage| usage::messages(usage, self.usage)) {
            self.usage = Some(usage);
        }
    }

    /// Keeps what the upstream sealed, wherever it stands in `value`.
    fn sealed_in(&mut self, value: Value<'_, '_>) {
        for (key, member) in value.members() {
            let blob = match key.escaped() {
                "encrypted_content" => self.dialect == Dialect::Responses,
                "signature" => self.dialect == Dialect::Messages,
                "data" => {
                    let kind = value.get("type").and_then(Value::as_str).unwrap_or_default();
                    self.dialect == Dialect::Messages && kind.is("redacted_thinking")
                }
                _ => false,
            };
            match member.as_str() {
                Some(text) if blob && !text.is_empty() => {
                    self.sealed.push(text.text().into_owned())
                }
                Some(_) => {}
                None => self.sealed_in(member),
            }
        }
        for element in value.elements() {
            self.sealed_in(element);
        }
    }
}

/// An error in the shape of Chat Completions, which some servers send in every dialect.
fn is_error(root: Value<'_, '_>) -> bool {
    root.get("error").is_some_and(|error| !error.is_null())
}

/// A response object, and no mere error, that says of itself that it failed.
fn is_failed_response(root: Value<'_, '_>) -> bool {
    let is = |name: &str, values: &[&str]| {
        let text = root.get(name).and_then(Value::as_str);
        text.is_some_and(|text| values.iter().any(|value| text.is(value)))
    };
    is("object", &["response"]) && is("status", &["failed", "cancelled"])
}

/// Sends on what stands before the model's name, and the name that was asked for instead of it,
/// where the two differ. The answer is the new `sent`. `place` says where in `bytes` that lies which
/// has a place in `text`; no name goes over several lines.
fn splice(
    bytes: &[u8],
    sent: usize,
    place: impl Fn(usize) -> usize,
    text: &str,
    model: Option<Value<'_, '_>>,
    asked: &str,
    out: &mut Vec<u8>,
) -> usize {
    let Some(name) = model.filter(|model| model.as_str().is_some_and(|name| !name.is(asked)))
    else {
        return sent;
    };
    let start = place(name.raw().as_ptr() as usize - text.as_ptr() as usize);
    out.extend_from_slice(&bytes[sent..start]);
    let mut quoted = String::with_capacity(asked.len() + 2);
    quote_into(asked, &mut quoted);
    out.extend_from_slice(quoted.as_bytes());
    start + name.raw().len()
}
