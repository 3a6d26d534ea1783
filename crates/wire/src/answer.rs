//! What the writers of answers share, whatever dialect they write: what is known before anybody was
//! asked ([`Head`]), what the request decides ([`Setting`]), and how bytes may end ([`Ending`]).

use crate::fault::Fault;
use crate::json::{Tape, quote_into};
use crate::names::Names;
use crate::responses::object;
use crate::turn::Summary;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What is known of an answer before anybody has been asked. With it a stream can be opened and
/// kept alive; whoever writes the rest goes on from there.
#[derive(Debug, Default)]
pub struct Head {
    /// Unique; the ids of the answer and its parts are made from it.
    pub stem: String,
    /// Unix time in seconds.
    pub created_at: u64,
    /// The model as the caller named it.
    pub model: String,
    /// What the answer repeats of its request, for the Responses dialect:
    /// [`crate::responses::object::echo`].
    pub echo: Arc<str>,
    /// The number of the next event; 0 until the stream is open. One answer is written by one task
    /// at a time.
    pub sequence: AtomicU64,
}

impl Head {
    /// The same head with another echo.
    #[must_use]
    pub fn with_echo(&self, echo: impl Into<Arc<str>>) -> Self {
        Self {
            stem: self.stem.clone(),
            created_at: self.created_at,
            model: self.model.clone(),
            echo: echo.into(),
            sequence: AtomicU64::new(self.sequence.load(Ordering::Relaxed)),
        }
    }

    /// The same head, with the echo of a request that said nothing.
    #[must_use]
    pub fn with_empty_echo(&self) -> Self {
        let mut tape = Tape::default();
        self.with_echo(tape.read("{}").map(object::echo).unwrap_or_default())
    }
}

/// What the writer of an answer needs to know beside its events.
#[derive(Debug, Default)]
pub struct Setting {
    pub names: Names,
    pub summary: Summary,
    /// The caller wants sealed reasoning.
    pub seal_reasoning: bool,
    /// The text of the answer is a summary to be sealed.
    pub compact: bool,
    /// A streamed answer ends with what it cost, where that is for the caller to decide.
    pub include_usage: bool,
    /// The client is Codex: it shows nothing of a refusal, so that goes as text, and it asks five times
    /// more after an answer that was filtered, so that is a failure.
    pub for_codex: bool,
    /// The object is wanted when the answer has ended.
    pub whole: bool,
    /// Where the answer comes from, for the member `quire`.
    pub request_id: String,
    pub provider: String,
    pub upstream_model: String,
    /// The request's size in tokens, roughly, for upstreams that report no usage.
    pub input_estimate: u64,
}

/// How the bytes of a stream ended.
#[derive(Clone, Debug, PartialEq)]
pub enum Ending {
    /// The upstream closed the stream.
    Closed,
    /// It broke, and this is why.
    Broken(Fault),
}

/// Where an answer came from and what was changed on the way: the member `quire`.
pub fn provenance(
    request_id: &str,
    provider: &str,
    model: &str,
    notes: &crate::note::Notes,
    out: &mut String,
) {
    out.push_str("{\"request_id\":");
    quote_into(request_id, out);
    out.push_str(",\"model\":");
    quote_into(model, out);
    out.push_str(",\"provider\":");
    quote_into(provider, out);
    out.push_str(",\"notes\":");
    notes.write_json(out);
    out.push('}');
}
