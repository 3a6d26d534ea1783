//! One exchange: a client's request and what became of it. It is the single truth from which the
//! request log, the metrics and the dashboard are made. It has no field for what was said: neither
//! prompts nor answers come near it.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};
use wire::fault;

/// A word of the log. Fixed words cost no allocation.
pub type Text = Cow<'static, str>;

/// An error's words may quote a little of what went wrong, never a page.
const MAX_MESSAGE_CHARS: usize = 500;
/// Names come from requests, and a request can claim any model.
const MAX_NAME_CHARS: usize = 200;
const MAX_NOTES: usize = 64;
const MAX_ATTEMPTS: usize = 32;

/// A request, from its first byte to the end of its answer.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Exchange {
    /// UUID version 7, the `x-quire-request-id` of the answer.
    pub id: String,
    pub started_ms: i64,
    /// The client's family, from its user agent.
    pub client: Option<Text>,
    /// The name of the client key that let it in.
    pub client_key: Option<Text>,
    pub session: Option<Text>,
    pub dialect_in: Text,
    pub dialect_out: Option<Text>,
    pub model_asked: Option<Text>,
    pub model_used: Option<Text>,
    pub provider: Option<Text>,
    pub stream: bool,
    /// The status that the client got; none if it left before.
    pub status: Option<u16>,
    pub outcome: Outcome,
    #[serde(with = "fault_name")]
    pub fault_kind: Option<fault::Kind>,
    pub error_code: Option<Text>,
    /// At most 500 characters, and nothing of the conversation.
    pub error_message: Option<Text>,
    pub timings: Timings,
    pub usage: Option<Usage>,
    pub notes: Vec<NoteCount>,
    pub attempts: Vec<Attempt>,
    pub request_bytes: u64,
    pub response_bytes: u64,
}

/// How an exchange ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The answer is whole.
    Completed,
    /// The model stopped early: its output limit, or a content filter.
    Incomplete,
    Failed,
    /// The client went away.
    Cancelled,
}

/// When things happened, counted from the request's first byte.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Timings {
    /// Waiting for an account or a slot.
    pub queue_us: Option<u64>,
    /// The upstream's first byte.
    pub first_byte_us: Option<u64>,
    /// The first generated event.
    pub first_event_us: Option<u64>,
    pub total_us: u64,
}

/// Tokens, as the upstream counted them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    pub input: u64,
    /// The part of the input that was read from a cache.
    pub cached: u64,
    /// The part of the input that was written to a cache.
    pub cache_written: u64,
    pub output: u64,
    /// The part of the output that was reasoning.
    pub reasoning: u64,
    pub total: u64,
}

/// How often a note occurred.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoteCount {
    pub code: Text,
    pub n: u32,
}

/// One try at one provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attempt {
    pub provider: Text,
    pub model: Text,
    pub status: Option<u16>,
    #[serde(with = "fault_name")]
    pub fault: Option<fault::Kind>,
    pub ms: u64,
}

impl Exchange {
    /// An exchange that just began. Until somebody says otherwise it was cancelled, so a record that
    /// is dropped halfway tells the truth.
    pub fn begin(id: String, started_ms: i64, dialect_in: impl Into<Text>) -> Self {
        Self {
            id,
            started_ms,
            client: None,
            client_key: None,
            session: None,
            dialect_in: dialect_in.into(),
            dialect_out: None,
            model_asked: None,
            model_used: None,
            provider: None,
            stream: false,
            status: None,
            outcome: Outcome::Cancelled,
            fault_kind: None,
            error_code: None,
            error_message: None,
            timings: Timings::default(),
            usage: None,
            notes: Vec::new(),
            attempts: Vec::new(),
            request_bytes: 0,
            response_bytes: 0,
        }
    }

    /// Cuts what is too long to keep.
    pub(super) fn bound(&mut self) {
        let names = [
            &mut self.client,
            &mut self.client_key,
            &mut self.session,
            &mut self.dialect_out,
            &mut self.model_asked,
            &mut self.model_used,
            &mut self.provider,
            &mut self.error_code,
        ];
        for name in names.into_iter().flatten() {
            shorten(name, MAX_NAME_CHARS);
        }
        if let Some(message) = &mut self.error_message {
            shorten(message, MAX_MESSAGE_CHARS);
        }
        self.notes.truncate(MAX_NOTES);
        self.attempts.truncate(MAX_ATTEMPTS);
        for attempt in &mut self.attempts {
            shorten(&mut attempt.provider, MAX_NAME_CHARS);
            shorten(&mut attempt.model, MAX_NAME_CHARS);
        }
    }
}

impl Outcome {
    const ALL: [Self; 4] = [Self::Completed, Self::Incomplete, Self::Failed, Self::Cancelled];

    /// The word in the log.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Completed => "completed",
            Self::Incomplete => "incomplete",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The outcome with this word.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|outcome| outcome.name() == name)
    }
}

/// A new string rather than a shorter view: a long one must not wait in the queue with its memory.
fn shorten(text: &mut Text, max_chars: usize) {
    // As many bytes as characters is the shortest that a text can be.
    if text.len() > max_chars
        && let Some((end, _)) = text.char_indices().nth(max_chars)
    {
        *text = Text::Owned(text[..end].to_owned());
    }
}

/// Faults travel by name. A name that this version does not know reads as none.
mod fault_name {
    use serde::{Deserialize as _, Deserializer, Serialize as _, Serializer};
    use wire::fault::Kind;

    #[expect(clippy::ref_option, reason = "the signature that serde calls")]
    pub(super) fn serialize<S: Serializer>(kind: &Option<Kind>, to: S) -> Result<S::Ok, S::Error> {
        kind.map(Kind::name).serialize(to)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(
        from: D,
    ) -> Result<Option<Kind>, D::Error> {
        let name = Option::<String>::deserialize(from)?;
        Ok(name.and_then(|name| Kind::from_name(&name)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_words_are_cut_at_characters_and_short_ones_stay() {
        let mut exchange = Exchange::begin("id".into(), 0, "responses");
        exchange.model_asked = Some("é".repeat(100_000).into());
        exchange.error_message = Some("é".repeat(500).into());
        exchange.bound();
        assert_eq!(exchange.model_asked.unwrap(), "é".repeat(200));
        assert_eq!(exchange.error_message.unwrap(), "é".repeat(500));
    }

    #[test]
    fn outcomes_have_one_word_everywhere() {
        for outcome in Outcome::ALL {
            assert_eq!(Outcome::from_name(outcome.name()), Some(outcome));
            assert_eq!(serde_json::to_value(outcome).unwrap(), outcome.name());
        }
    }
}
