//! What a model says, in order, and in which of the vendors' forms. [`super::render`] turns it
//! into a stream or into a whole answer; nothing here touches bytes.

use std::time::Duration;

use serde_json::{Value, json};

use super::Step;
use super::error::Words;
use super::line::{End, Line};
use super::render::Beat;
use crate::Dialect;

/// Where the model's reasoning stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReasoningForm {
    /// `reasoning_content` beside `content` (DeepSeek, Zhipu, MiMo).
    ReasoningContent,
    /// `reasoning` beside `content` (vLLM, Ollama, Groq).
    Reasoning,
    /// `reasoning_details` with one `reasoning.text` entry (MiniMax with `reasoning_split`).
    ReasoningDetails,
    /// `reasoning` and `reasoning_details` with the same text (OpenRouter).
    Both,
    /// Inside `content`, between `<think>` and `</think>`.
    ThinkTags,
    /// As `ThinkTags`, and the same text again in `reasoning_content` (MiniMax without
    /// `reasoning_split`, github.com/vellum-ai/vellum-assistant/pull/34556).
    Mirrored,
}

/// How a tool call is spread over chunks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CallForm {
    /// First id, type, name and empty arguments, then pieces with nothing but `index` (OpenAI).
    Pieces,
    /// Everything in one chunk (Ollama).
    Whole,
    /// As `Pieces`, but each piece repeats id and name.
    Repeating,
    /// As `Pieces`, but later pieces carry an empty id and a null name.
    Blank,
    /// As `Pieces`, but without `index` anywhere.
    Unindexed,
}

/// Where a stream carries its usage.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UsagePlace {
    /// In a last chunk with empty `choices`, if the request asked for it (OpenAI). Messages has it
    /// in `message_start` and whole in `message_delta`.
    OwnChunk,
    /// On the chunk with the finish reason, asked or not (DeepSeek). Messages has zeros in
    /// `message_start` then.
    WithFinish,
    /// On every chunk, asked or not.
    EveryChunk,
    /// Messages: input counts in `message_start` and only the output count in `message_delta`, as
    /// Anthropic once did and others still do. Elsewhere as `OwnChunk`.
    Split,
}

/// Token counts; each dialect writes them in its own shape.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Usage {
    pub prompt: u64,
    pub completion: u64,
    pub cached: u64,
    pub reasoning: u64,
}

/// What stands in `annotations` or `citations` of a text: where a statement was found on the web.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Citation {
    pub url: String,
    pub title: String,
    /// The words that are cited.
    pub quote: String,
}

impl Citation {
    /// A citation.
    pub fn new(url: &str, title: &str, quote: &str) -> Self {
        Self { url: url.into(), title: title.into(), quote: quote.into() }
    }
}

impl Usage {
    /// Counts without cached or reasoning tokens.
    pub fn new(prompt: u64, completion: u64) -> Self {
        Self { prompt, completion, cached: 0, reasoning: 0 }
    }
}

impl From<Usage> for Value {
    fn from(usage: Usage) -> Self {
        json!({
            "prompt_tokens": usage.prompt,
            "completion_tokens": usage.completion,
            "total_tokens": usage.prompt + usage.completion,
            "prompt_tokens_details": {"cached_tokens": usage.cached},
            "completion_tokens_details": {"reasoning_tokens": usage.reasoning},
        })
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Part {
    Reasoning(Thought),
    /// Thinking that nobody may read, as the blob that stands for it.
    Redacted(String),
    Text(String),
    Cited(String, Vec<Citation>),
    Refusal(String),
    Call(Call),
    Search(Search),
    /// A chunk, or anything else that stands in `data:`.
    Data(String),
    /// An error inside the stream.
    Error(Words),
    /// A comment line.
    Comment(String),
    /// Bytes that need not be an event.
    Bytes(Vec<u8>),
    Pause(Duration),
    Cut(End),
    Stall,
}

/// A piece of reasoning.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Thought {
    pub(crate) text: String,
    pub(crate) seal: Seal,
}

/// What reasoning is sealed with: the signature of a thinking block, the encrypted content of a
/// reasoning item.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Seal {
    /// The one of [`crate::seal::seal`].
    Usual,
    As(String),
    Missing,
}

impl Thought {
    /// What seals it behind so many calls of its answer.
    pub(crate) fn seal(&self, calls: usize) -> Option<String> {
        match &self.seal {
            Seal::Usual => Some(crate::seal::seal_after(calls, &self.text)),
            Seal::As(seal) => Some(seal.clone()),
            Seal::Missing => None,
        }
    }
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Call {
    pub(crate) id: String,
    pub(crate) name: String,
    pub(crate) arguments: String,
}

/// A search on the web that the server itself made.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Search {
    pub(crate) id: String,
    pub(crate) query: String,
    pub(crate) found: Vec<Citation>,
}

#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Finish {
    /// `tool_calls` if there were any, else `stop`; and what the other dialects call these.
    Natural,
    As(String),
    /// A stop sequence was met.
    Sequence(String),
    Missing,
}

/// What a model says. Made by [`says`].
#[derive(Clone, Debug)]
pub struct Says {
    pub(crate) parts: Vec<Part>,
    pub(crate) finish: Finish,
    pub(crate) usage: Option<Value>,
    pub(crate) cache_written: u64,
    pub(crate) usage_place: UsagePlace,
    pub(crate) done: bool,
    pub(crate) named: bool,
    pub(crate) delta: usize,
    pub(crate) argument_piece: usize,
    pub(crate) reasoning_form: ReasoningForm,
    pub(crate) call_form: CallForm,
    pub(crate) interleaved: bool,
    pub(crate) cumulative: bool,
    pub(crate) ascii: bool,
    pub(crate) split_surrogates: bool,
    pub(crate) model: Option<String>,
    pub(crate) id: Option<String>,
    pub(crate) headers: Vec<(String, String)>,
}

/// An answer of the model, still empty: finish `stop`, usage 11 and 7 tokens, OpenAI's forms,
/// reasoning as `reasoning_content`.
pub fn says() -> Says {
    Says {
        parts: Vec::new(),
        finish: Finish::Natural,
        usage: Some(Usage::new(11, 7).into()),
        cache_written: 0,
        usage_place: UsagePlace::OwnChunk,
        done: true,
        named: true,
        delta: 16,
        argument_piece: 16,
        reasoning_form: ReasoningForm::ReasoningContent,
        call_form: CallForm::Pieces,
        interleaved: false,
        cumulative: false,
        ascii: false,
        split_surrogates: false,
        model: None,
        id: None,
        headers: Vec::new(),
    }
}

impl Says {
    fn part(mut self, part: Part) -> Self {
        self.parts.push(part);
        self
    }

    fn thought(self, text: impl Into<String>, seal: Seal) -> Self {
        self.part(Part::Reasoning(Thought { text: text.into(), seal }))
    }

    /// Thinks this.
    #[must_use]
    pub fn reasoning(self, text: impl Into<String>) -> Self {
        self.thought(text, Seal::Usual)
    }

    /// Thinks this, with this seal in place of the usual one.
    #[must_use]
    pub fn reasoning_sealed(self, text: impl Into<String>, seal: &str) -> Self {
        self.thought(text, Seal::As(seal.into()))
    }

    /// Thinks this without a seal, as servers do that only copy the dialect.
    #[must_use]
    pub fn reasoning_unsealed(self, text: impl Into<String>) -> Self {
        self.thought(text, Seal::Missing)
    }

    /// Thinks what nobody may read: only this blob is shown (Messages: `redacted_thinking`;
    /// Responses: reasoning with nothing but encrypted content; Chat has no place for it).
    #[must_use]
    pub fn redacted(self, blob: &str) -> Self {
        self.part(Part::Redacted(blob.into()))
    }

    /// Says this.
    #[must_use]
    pub fn text(self, text: impl Into<String>) -> Self {
        self.part(Part::Text(text.into()))
    }

    /// Says this with citations of the web; Chat shows the text alone.
    #[must_use]
    pub fn cited(
        self,
        text: impl Into<String>,
        citations: impl IntoIterator<Item = Citation>,
    ) -> Self {
        self.part(Part::Cited(text.into(), citations.into_iter().collect()))
    }

    /// Searches the web, on the server's side. Chat has no place for it.
    #[must_use]
    pub fn searched(
        self,
        id: &str,
        query: &str,
        found: impl IntoIterator<Item = Citation>,
    ) -> Self {
        let found = found.into_iter().collect();
        self.part(Part::Search(Search { id: id.into(), query: query.into(), found }))
    }

    /// Refuses with this (`refusal`).
    #[must_use]
    pub fn refusal(self, text: impl Into<String>) -> Self {
        self.part(Part::Refusal(text.into()))
    }

    /// Calls a tool. Several calls are parallel calls of one message.
    #[must_use]
    pub fn call(self, id: &str, name: &str, arguments: Value) -> Self {
        self.call_raw(id, name, arguments.to_string())
    }

    /// Calls a tool with arguments given as text, which need not be JSON.
    #[must_use]
    pub fn call_raw(self, id: &str, name: &str, arguments: impl Into<String>) -> Self {
        let (id, name, arguments) = (id.into(), name.into(), arguments.into());
        self.part(Part::Call(Call { id, name, arguments }))
    }

    /// Sends this in `data:`, whatever it is. An event of Responses that has no `sequence_number`
    /// gets the next one, and after a bare `error` event nothing follows.
    #[must_use]
    pub fn data(self, data: impl ToString) -> Self {
        self.part(Part::Data(data.to_string()))
    }

    /// Sends an error inside the stream in the shape of the dialect, the status being 200. Messages
    /// and Responses say nothing after it.
    #[must_use]
    pub fn error(self, kind: &str, code: &str, message: &str) -> Self {
        self.part(Part::Error(Words::new(kind, code, message)))
    }

    /// Sends a comment line, as keep-alives are.
    #[must_use]
    pub fn comment(self, text: &str) -> Self {
        self.part(Part::Comment(text.into()))
    }

    /// Sends these bytes in the middle of the stream.
    #[must_use]
    pub fn bytes(self, bytes: impl Into<Vec<u8>>) -> Self {
        self.part(Part::Bytes(bytes.into()))
    }

    /// Waits here.
    #[must_use]
    pub fn pause(self, pause: Duration) -> Self {
        self.part(Part::Pause(pause))
    }

    /// Ends the connection here; nothing after this is sent.
    #[must_use]
    pub fn cut(self, end: End) -> Self {
        self.part(Part::Cut(end))
    }

    /// Falls silent here for ever, the connection open.
    #[must_use]
    pub fn stall(self) -> Self {
        self.part(Part::Stall)
    }

    /// The finish reason; without this `tool_calls` or `stop`. The words of Chat Completions are
    /// put into those of the other dialects; any other word is sent as it is.
    #[must_use]
    pub fn finish(mut self, reason: &str) -> Self {
        self.finish = Finish::As(reason.into());
        self
    }

    /// Stops because this stop sequence was met.
    #[must_use]
    pub fn stop_sequence(mut self, sequence: &str) -> Self {
        self.finish = Finish::Sequence(sequence.into());
        self
    }

    /// Leaves out the finish reason (and, in a stream, the chunk or event that carries it).
    #[must_use]
    pub fn without_finish(mut self) -> Self {
        self.finish = Finish::Missing;
        self
    }

    /// Leaves out `data: [DONE]`; for Messages, `message_stop`.
    #[must_use]
    pub fn without_done(mut self) -> Self {
        self.done = false;
        self
    }

    /// Leaves out the `event:` lines of dialects that name their events.
    #[must_use]
    pub fn unnamed(mut self) -> Self {
        self.named = false;
        self
    }

    /// The usage: a [`Usage`], or any JSON in its place.
    #[must_use]
    pub fn usage(mut self, usage: impl Into<Value>) -> Self {
        self.usage = Some(usage.into());
        self
    }

    /// How many of the prompt's tokens were written to the cache; only dialects that count these
    /// say so.
    #[must_use]
    pub fn cache_written(mut self, tokens: u64) -> Self {
        self.cache_written = tokens;
        self
    }

    /// Leaves out the usage.
    #[must_use]
    pub fn without_usage(mut self) -> Self {
        self.usage = None;
        self
    }

    /// Where a stream carries its usage.
    #[must_use]
    pub fn usage_in(mut self, place: UsagePlace) -> Self {
        self.usage_place = place;
        self
    }

    /// The size of text and reasoning deltas in characters. Zero: one delta, however long.
    #[must_use]
    pub fn delta(mut self, characters: usize) -> Self {
        self.delta = characters;
        self
    }

    /// The size of argument pieces in characters, so that escapes are split. Zero: one piece.
    #[must_use]
    pub fn argument_pieces(mut self, characters: usize) -> Self {
        self.argument_piece = characters;
        self
    }

    /// Where the reasoning stands.
    #[must_use]
    pub fn reasoning_as(mut self, form: ReasoningForm) -> Self {
        self.reasoning_form = form;
        self
    }

    /// How calls are spread over chunks.
    #[must_use]
    pub fn calls_as(mut self, form: CallForm) -> Self {
        self.call_form = form;
        self
    }

    /// Sends the pieces of parallel calls in turns instead of call after call.
    #[must_use]
    pub fn interleaved(mut self) -> Self {
        self.interleaved = true;
        self
    }

    /// Each text and reasoning delta repeats everything so far. MiniMax's documentation reads its
    /// streams this way; its servers were seen to send plain deltas as well
    /// (github.com/MiniMax-AI/MiniMax-M2/issues/95), so a reader must cope with both.
    #[must_use]
    pub fn cumulative(mut self) -> Self {
        self.cumulative = true;
        self
    }

    /// Escapes everything that is not ASCII, in chunks and in arguments, as Python servers do.
    #[must_use]
    pub fn ascii(mut self) -> Self {
        self.ascii = true;
        self
    }

    /// As [`Says::ascii`], and counts deltas in UTF-16 units, so that a character outside the
    /// basic plane falls apart into two lone surrogates in two chunks.
    #[must_use]
    pub fn split_surrogates(mut self) -> Self {
        self.ascii = true;
        self.split_surrogates = true;
        self
    }

    /// The model that the answer names; without this the one asked for.
    #[must_use]
    pub fn model(mut self, model: &str) -> Self {
        self.model = Some(model.into());
        self
    }

    /// The id of the answer; without this `chatcmpl-` and the number of the request.
    #[must_use]
    pub fn id(mut self, id: &str) -> Self {
        self.id = Some(id.into());
        self
    }

    /// Adds a header to the answer.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The answer over this line.
    pub fn over(self, line: Line) -> Step {
        Step::from(self).over(line)
    }

    /// The bytes of the answer of Chat Completions to this request, streamed, for a test without
    /// sockets. Pauses take no time; nothing follows a cut or a stall.
    pub fn streamed(&self, request: &Value) -> Vec<u8> {
        self.streamed_in(Dialect::Chat, request)
    }

    /// The bytes of the whole answer of Chat Completions to this request.
    pub fn answered(&self, request: &Value) -> Vec<u8> {
        self.answered_in(Dialect::Chat, request)
    }

    /// As [`Says::streamed`], in any dialect.
    pub fn streamed_in(&self, dialect: Dialect, request: &Value) -> Vec<u8> {
        sent(super::stream(dialect, self, &super::Asked::of(request, 1), false))
    }

    /// As [`Says::answered`], in any dialect.
    pub fn answered_in(&self, dialect: Dialect, request: &Value) -> Vec<u8> {
        sent(super::whole(dialect, self, &super::Asked::of(request, 1)))
    }
}

fn sent(beats: Vec<Beat>) -> Vec<u8> {
    let mut bytes = Vec::new();
    for beat in beats {
        match beat {
            Beat::Send(more) => bytes.extend(more),
            Beat::Pause(_) => {}
            Beat::Cut(_) | Beat::Stall => break,
        }
    }
    bytes
}
