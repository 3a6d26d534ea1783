//! The small language in which a test says what the upstream does: what the model *says*
//! ([`says`]), or how the server fails ([`refuses`], [`raw`]), and how the bytes travel ([`Line`]).
//! It only describes; [`crate::upstream`] performs. Start at [`says`].
//!
//! ```
//! use std::time::Duration;
//! use serde_json::json;
//! use testkit::script::{Script, line, refuses, says};
//!
//! let script = Script::steps([
//!     refuses(429).header("retry-after", "1").into(),
//!     says().reasoning("hm").call("call_1", "exec_command", json!({"cmd": "ls"})).into(),
//!     says().text("done").over(line().split_every(1).pace(Duration::from_millis(1))),
//! ]);
//! ```

mod error;
mod line;
mod render;
mod says;

use std::fmt;
use std::sync::Arc;

use error::Words;
pub(crate) use line::{Break, Limit};
pub use line::{End, Framing, Line, line};
pub(crate) use render::{Asked, Beat, stream, whole};
pub use says::{CallForm, Citation, ReasoningForm, Says, Usage, UsagePlace, says};
use serde_json::{Value, json};

use crate::Dialect;
use crate::upstream::Recorded;

/// One answer: what is sent, and how it travels.
#[derive(Clone, Debug)]
pub struct Step {
    pub(crate) answer: Answer,
    pub(crate) line: Line,
}

impl Step {
    /// The same answer over another line.
    #[must_use]
    pub fn over(mut self, line: Line) -> Self {
        self.line = line;
        self
    }
}

#[derive(Clone, Debug)]
pub(crate) enum Answer {
    /// What a model says, as a stream or whole, as the request wishes.
    Says(Says),
    /// A whole HTTP answer.
    Http(Http),
    /// These bytes as the whole answer, head included; then the connection closes.
    Raw(Vec<u8>),
    /// No answer at all: the connection just stays open.
    Silence,
}

impl From<Says> for Step {
    fn from(says: Says) -> Self {
        Self { answer: Answer::Says(says), line: line() }
    }
}

impl From<Http> for Step {
    fn from(http: Http) -> Self {
        Self { answer: Answer::Http(http), line: line() }
    }
}

/// An HTTP answer with a status, headers and a body.
#[derive(Clone, Debug)]
pub struct Http {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Body,
}

/// The body of an answer: bytes, or an error that the dialect of the server gives its shape.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Bytes(Vec<u8>),
    Error(Words),
    /// The error that is usual for the status.
    Usual,
    /// So many tokens were counted.
    Count(u64),
}

impl Http {
    /// Adds a header; a `content-type` given here replaces the usual one.
    #[must_use]
    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// Replaces the body by any bytes.
    #[must_use]
    pub fn body(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = Body::Bytes(body.into());
        self
    }

    /// Replaces the body by JSON.
    #[must_use]
    pub fn json(self, body: &Value) -> Self {
        self.body(body.to_string())
    }

    /// Replaces the error in the body: this type, code and message, in the shape of the server's
    /// dialect.
    #[must_use]
    pub fn error(mut self, kind: &str, code: &str, message: &str) -> Self {
        self.body = Body::Error(Words::new(kind, code, message));
        self
    }

    /// The bytes of the body.
    pub(crate) fn bytes(&self, dialect: Dialect, number: usize) -> Vec<u8> {
        let words = match &self.body {
            Body::Bytes(bytes) => return bytes.clone(),
            Body::Error(words) => words.clone(),
            Body::Usual => Words::usual(dialect, self.status),
            Body::Count(tokens) if dialect == Dialect::Responses => {
                let count = json!({"object": "response.input_tokens", "input_tokens": tokens});
                return count.to_string().into_bytes();
            }
            Body::Count(tokens) => return json!({"input_tokens": tokens}).to_string().into_bytes(),
        };
        words.body(dialect, number).to_string().into_bytes()
    }

    /// The answer over this line.
    pub fn over(self, line: Line) -> Step {
        Step::from(self).over(line)
    }
}

/// An HTTP error in the shape of the server's dialect, with the type and words usual for the
/// status.
pub fn refuses(status: u16) -> Http {
    Http { body: Body::Usual, ..answers(status) }
}

/// Any HTTP answer; JSON by default, with an empty body until one is given.
pub fn answers(status: u16) -> Http {
    Http { status, headers: Vec::new(), body: Body::Bytes(Vec::new()) }
}

/// The answer to a request that wants its tokens counted.
pub fn counts(tokens: u64) -> Http {
    Http { body: Body::Count(tokens), ..answers(200) }
}

/// An HTML page where JSON or events were expected, as a proxy in between would send it.
pub fn html(status: u16) -> Http {
    answers(status)
        .header("content-type", "text/html; charset=utf-8")
        .body("<!DOCTYPE html><html><head><title>Bad gateway</title></head><body><h1>Bad gateway</h1></body></html>\n")
}

/// A recorded event stream, sent as it is with status 200.
pub fn replays(stream: impl Into<Vec<u8>>) -> Http {
    answers(200).header("content-type", "text/event-stream").body(stream)
}

/// These very bytes in place of a whole HTTP answer; then the connection closes.
pub fn raw(bytes: impl Into<Vec<u8>>) -> Step {
    Step { answer: Answer::Raw(bytes.into()), line: line() }
}

/// Takes the request and never answers.
pub fn silence() -> Step {
    Step { answer: Answer::Silence, line: line() }
}

type Predicate = Arc<dyn Fn(&Recorded) -> bool + Send + Sync>;
type Choice = Arc<dyn Fn(&Recorded) -> Step + Send + Sync>;

/// What the upstream does with its requests: rules tried in order. A rule is a condition and a
/// step, for one request or for every one.
#[derive(Clone, Default)]
pub struct Script {
    pub(crate) rules: Vec<ScriptRule>,
    counts: Option<Choice>,
}

#[derive(Clone)]
pub(crate) struct ScriptRule {
    matches: Option<Predicate>,
    action: Action,
    used: bool,
}

#[derive(Clone)]
enum Action {
    Once(Box<Step>),
    Always(Box<Step>),
    Choose(Choice),
}

impl fmt::Debug for Script {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Script({} rules, {} left)", self.rules.len(), self.left())
    }
}

impl Script {
    /// One step per request, in this order. A request beyond the last is a failure of the test.
    pub fn steps(steps: impl IntoIterator<Item = Step>) -> Self {
        steps.into_iter().fold(Self::default(), Self::then)
    }

    /// The same step for every request.
    pub fn always(step: impl Into<Step>) -> Self {
        Self::default().then_always(step)
    }

    /// The step that a function chooses for each request.
    pub fn choose(choose: impl Fn(&Recorded) -> Step + Send + Sync + 'static) -> Self {
        Self::default().rule(None, Action::Choose(Arc::new(choose)))
    }

    /// Then this step, for one request.
    #[must_use]
    pub fn then(self, step: impl Into<Step>) -> Self {
        self.rule(None, Action::Once(Box::new(step.into())))
    }

    /// Then this step for every further request.
    #[must_use]
    pub fn then_always(self, step: impl Into<Step>) -> Self {
        self.rule(None, Action::Always(Box::new(step.into())))
    }

    /// This step for the first request that matches. Requests that come in any order are told
    /// apart this way; rules are tried in the order in which they were given.
    #[must_use]
    pub fn when(
        self,
        matches: impl Fn(&Recorded) -> bool + Send + Sync + 'static,
        step: impl Into<Step>,
    ) -> Self {
        self.rule(Some(Arc::new(matches)), Action::Once(Box::new(step.into())))
    }

    /// This step for every request that matches.
    #[must_use]
    pub fn whenever(
        self,
        matches: impl Fn(&Recorded) -> bool + Send + Sync + 'static,
        step: impl Into<Step>,
    ) -> Self {
        self.rule(Some(Arc::new(matches)), Action::Always(Box::new(step.into())))
    }

    /// Answers requests that want their tokens counted, which use no other step. Without this the
    /// upstream answers a quarter of the body's bytes.
    #[must_use]
    pub fn counting(self, choose: impl Fn(&Recorded) -> Step + Send + Sync + 'static) -> Self {
        Self { counts: Some(Arc::new(choose)), ..self }
    }

    /// How many one-time steps were not used yet.
    pub fn left(&self) -> usize {
        let open = |rule: &&ScriptRule| matches!(rule.action, Action::Once(_)) && !rule.used;
        self.rules.iter().filter(open).count()
    }

    /// The step for a request that wants its tokens counted.
    pub(crate) fn count(&self, request: &Recorded) -> Step {
        match &self.counts {
            Some(choose) => choose(request),
            None => counts(request.body.len() as u64 / 4).into(),
        }
    }

    /// Takes the step for a request.
    pub(crate) fn take(&mut self, request: &Recorded) -> Option<Step> {
        let fits = |rule: &&mut ScriptRule| {
            !rule.used && rule.matches.as_ref().is_none_or(|matches| matches(request))
        };
        let rule = self.rules.iter_mut().find(fits)?;
        Some(match &rule.action {
            Action::Once(step) => {
                rule.used = true;
                (**step).clone()
            }
            Action::Always(step) => (**step).clone(),
            Action::Choose(choose) => choose(request),
        })
    }

    fn rule(mut self, matches: Option<Predicate>, action: Action) -> Self {
        self.rules.push(ScriptRule { matches, action, used: false });
        self
    }
}

impl From<Says> for Script {
    fn from(says: Says) -> Self {
        Self::default().then(says)
    }
}

impl From<Step> for Script {
    fn from(step: Step) -> Self {
        Self::default().then(step)
    }
}

impl From<Http> for Script {
    fn from(http: Http) -> Self {
        Self::default().then(http)
    }
}

impl<const N: usize> From<[Step; N]> for Script {
    fn from(steps: [Step; N]) -> Self {
        Self::steps(steps)
    }
}

impl From<Vec<Step>> for Script {
    fn from(steps: Vec<Step>) -> Self {
        Self::steps(steps)
    }
}
