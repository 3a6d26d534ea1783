//! Judges of what quire answers: whole streams, whole answers and error bodies.
//!
//! A shape of Responses is judged by the Open Responses schema for what that defines and by
//! `corpus/spec/responses-extensions.json` for the rest; what no schema says (order, sums,
//! identity, one end) is judged by rules written here. Messages has no schema; its shapes are tables
//! made after the SDK. The judges know nothing of requests or of how an answer was made. Start
//! reading at [`responses_stream`] and [`chat_stream`].

mod book;
mod chat;
mod fault;
mod item;
mod messages;
mod object;
mod stream;
#[cfg(test)]
mod tests;

use std::fmt;

use serde_json::Value;

pub use crate::Dialect;

/// What a complaint is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Rule {
    /// The data is not a JSON object with a `type`.
    Json,
    /// The `event:` line is not the `type` of its data.
    Name,
    /// A type of event, item or part that neither schema nor extension defines.
    UnknownType,
    /// A member that neither schema nor extension names.
    UnknownMember,
    /// A required member is absent.
    Missing,
    /// A member has the wrong type or value.
    Shape,
    /// `sequence_number` does not count from 0 without a gap.
    Sequence,
    /// The stream does not begin with `response.created` and `response.in_progress`.
    Opening,
    /// Not exactly one terminal event, or something after it.
    Terminal,
    /// Not exactly one `[DONE]`, at the end.
    Done,
    /// A status, or a member that depends on it, does not agree with the event.
    Status,
    /// `output_index`, `content_index` or another index does not ascend by one.
    Order,
    /// Something is opened twice, used before it is opened or after it is closed, or never closed.
    Lifecycle,
    /// Deltas do not add up to what was finished.
    Sum,
    /// The finished items are not what the terminal response holds.
    Output,
    /// Ids, names or echoed members change, or are used twice.
    Identity,
    /// Tokens do not add up.
    Usage,
    /// A reasoning item is shown both as a summary and as text.
    TwoForms,
    /// An error body's words do not fit its status.
    Fault,
}

/// One thing that is wrong with an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Complaint {
    pub rule: Rule,
    /// Where: the frame and the path inside its data.
    pub at: String,
    pub message: String,
}

impl fmt::Display for Complaint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} at {}: {}", self.rule, self.at, self.message)
    }
}

/// Where complaints gather, and where the judge is looking.
#[derive(Debug, Default)]
struct Findings {
    complaints: Vec<Complaint>,
    at: String,
}

impl Findings {
    fn say(&mut self, rule: Rule, message: impl Into<String>) {
        let at = self.at.clone();
        self.complaints.push(Complaint { rule, at, message: message.into() });
    }

    fn say_in(&mut self, path: &str, rule: Rule, message: impl Into<String>) {
        let at = match (self.at.is_empty(), path.is_empty()) {
            (_, true) => self.at.clone(),
            (true, false) => path.to_owned(),
            (false, false) => format!("{} `{path}`", self.at),
        };
        self.complaints.push(Complaint { rule, at, message: message.into() });
    }

    fn verdict(self) -> Result<(), Vec<Complaint>> {
        if self.complaints.is_empty() { Ok(()) } else { Err(self.complaints) }
    }
}

/// Judges a whole stream: each frame's `event:` name (empty where there was none) and its data.
///
/// # Errors
/// Everything that is wrong with it.
pub fn responses_stream(frames: &[(String, String)]) -> Result<(), Vec<Complaint>> {
    stream::judge(frames)
}

/// Judges a whole response object, as an answer without streaming or a stored response.
///
/// # Errors
/// Everything that is wrong with it.
pub fn responses_answer(answer: &Value) -> Result<(), Vec<Complaint>> {
    let mut findings = Findings::default();
    book::BOOK.response(answer, "", &mut findings);
    object::judge(answer, &mut findings);
    findings.verdict()
}

/// Judges a whole stream of Chat Completions, as its bytes came. `include_usage` says whether the
/// request asked for the usage.
///
/// # Errors
/// Everything that is wrong with it.
pub fn chat_stream(stream: &str, include_usage: bool) -> Result<(), Vec<Complaint>> {
    chat::stream(stream, include_usage)
}

/// Judges a whole answer of Chat Completions.
///
/// # Errors
/// Everything that is wrong with it.
pub fn chat_answer(answer: &Value) -> Result<(), Vec<Complaint>> {
    chat::answer(answer)
}

/// The whole answer that a stream of Chat Completions adds up to.
pub fn chat_fold(stream: &str) -> Value {
    chat::fold(stream)
}

/// Judges that a stream adds up to what was answered whole to the same request. Ids, times and the
/// number of the request may differ.
///
/// # Errors
/// Every member in which they differ.
pub fn chat_same(stream: &str, answer: &Value) -> Result<(), Vec<Complaint>> {
    chat::same(stream, answer)
}

/// Judges a whole stream of Messages, as [`responses_stream`].
///
/// # Errors
/// Everything that is wrong with it.
pub fn messages_stream(frames: &[(String, String)]) -> Result<(), Vec<Complaint>> {
    messages::judge_stream(frames)
}

/// Judges a whole message, as an answer without streaming.
///
/// # Errors
/// Everything that is wrong with it.
pub fn messages_answer(answer: &Value) -> Result<(), Vec<Complaint>> {
    let mut findings = Findings::default();
    messages::judge_answer(answer, &mut findings);
    findings.verdict()
}

/// The message that a stream adds up to, as a client reads it.
///
/// # Errors
/// Why it adds up to none.
pub fn messages_fold(frames: &[(String, String)]) -> Result<Value, String> {
    messages::fold(frames)
}

/// Judges that a stream adds up to a whole answer to the same request. The ids of the message and
/// of the request may differ.
///
/// # Errors
/// Every place at which they differ.
pub fn messages_same(frames: &[(String, String)], answer: &Value) -> Result<(), Vec<Complaint>> {
    let mut findings = Findings::default();
    messages::same(frames, answer, &mut findings);
    findings.verdict()
}

/// The frames of a stream, as the judges want them.
pub fn frames(stream: impl AsRef<[u8]>) -> Vec<(String, String)> {
    let events = crate::sse::parse(stream);
    events.into_iter().map(|event| (event.name.unwrap_or_default(), event.data)).collect()
}

/// Judges the body of an error that was answered with this status.
///
/// # Errors
/// Everything that is wrong with it.
pub fn error_body(dialect: Dialect, status: u16, body: &Value) -> Result<(), Vec<Complaint>> {
    let mut findings = Findings::default();
    fault::judge(dialect, status, body, &mut findings);
    findings.verdict()
}
