//! The account of one exchange, kept while it runs and handed to the request log and the metrics
//! when the last holder lets go, however the exchange ended.

use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use wire::fault::{Fault, Upstream};
use wire::note::Notes;

use super::repeats::Ticket;
use crate::store::{Attempt, Exchange, NoteCount, Outcome, Recorder, Usage};
use crate::telemetry::Metrics;

/// The account of one exchange.
#[derive(Clone, Debug)]
pub struct Ledger(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    started: Instant,
    exchange: Mutex<Exchange>,
    recorder: Option<Recorder>,
    metrics: Arc<Metrics>,
    ticket: OnceLock<Ticket>,
}

impl Ledger {
    /// Opens the account of an exchange that begins now.
    pub fn open(
        id: String,
        dialect: &'static str,
        recorder: Option<Recorder>,
        metrics: Arc<Metrics>,
    ) -> Self {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let exchange = Exchange::begin(id, now.as_millis() as i64, dialect);
        metrics.exchange_began();
        Self(Arc::new(Inner {
            started: Instant::now(),
            exchange: Mutex::new(exchange),
            recorder,
            metrics,
            ticket: OnceLock::new(),
        }))
    }

    /// Keeps the ticket until the exchange is over.
    pub fn hold(&self, ticket: Ticket) {
        let _ = self.0.ticket.set(ticket);
    }

    /// The exchange's id.
    pub fn id(&self) -> String {
        self.lock().id.clone()
    }

    /// Writes into the account.
    pub fn note(&self, write: impl FnOnce(&mut Exchange)) {
        write(&mut self.lock());
    }

    /// The upstream has begun to answer.
    pub fn first_byte(&self) {
        let elapsed = self.elapsed_us();
        self.lock().timings.first_byte_us.get_or_insert(elapsed);
    }

    /// The first generated event is here.
    pub fn first_event(&self) {
        let elapsed = self.elapsed_us();
        self.lock().timings.first_event_us.get_or_insert(elapsed);
    }

    /// An attempt is over.
    pub fn attempted(&self, attempt: Attempt) {
        self.lock().attempts.push(attempt);
    }

    /// The exchange failed. An upstream's own words stay out of the log, since they may quote the
    /// conversation: the client has read them.
    pub fn failed(&self, fault: &Fault) {
        let mut exchange = self.lock();
        exchange.outcome = Outcome::Failed;
        exchange.fault_kind = Some(fault.kind);
        exchange.error_code =
            fault.upstream.as_ref().and_then(|said| said.code.clone()).map(Into::into);
        exchange.error_message = Some(match &fault.upstream {
            None => fault.message.clone().into(),
            Some(said) => told_by(said).into(),
        });
    }

    /// What the answer cost and what was changed on the way.
    pub fn settle(&self, usage: Option<wire::turn::Usage>, notes: &Notes) {
        let mut exchange = self.lock();
        exchange.usage = usage.map(|usage| Usage {
            input: usage.input,
            cached: usage.cached,
            cache_written: usage.cache_written,
            output: usage.output,
            reasoning: usage.reasoning,
            total: usage.total(),
        });
        exchange.notes = notes
            .list()
            .iter()
            .map(|note| NoteCount { code: note.code.name().into(), n: note.count })
            .collect();
    }

    /// Time since the exchange began.
    pub fn elapsed(&self) -> Duration {
        self.0.started.elapsed()
    }

    fn elapsed_us(&self) -> u64 {
        self.elapsed().as_micros() as u64
    }

    fn lock(&self) -> MutexGuard<'_, Exchange> {
        self.0.exchange.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What an upstream said, without its words.
fn told_by(said: &Upstream) -> String {
    let Upstream { status, kind, code, .. } = said;
    let mut text = match status {
        Some(status) => format!("the upstream answered {status}"),
        None => "the upstream reported an error".to_owned(),
    };
    let names: Vec<String> =
        [kind, code].into_iter().flatten().map(|name| format!("`{name}`")).collect();
    if !names.is_empty() {
        text.push_str(&format!(" ({})", names.join(", ")));
    }
    text
}

impl Drop for Inner {
    fn drop(&mut self) {
        let exchange = self.exchange.get_mut().unwrap_or_else(PoisonError::into_inner);
        exchange.timings.total_us = self.started.elapsed().as_micros() as u64;
        self.metrics.exchange_ended(
            exchange.outcome.name(),
            self.started.elapsed(),
            exchange.usage.map(|u| (u.input, u.output)),
        );
        if let Some(recorder) = &self.recorder {
            let done = std::mem::replace(exchange, Exchange::begin(String::new(), 0, ""));
            recorder.record(done);
        }
    }
}
