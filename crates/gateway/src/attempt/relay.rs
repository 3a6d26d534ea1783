//! One answer on its way from an upstream to a client: bytes in, events of the client's dialect
//! out, pulled by whoever reads it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use wire::answer::{Ending, Head, Setting};
use wire::dialect::{Decoder, Dialect, Encoder};
use wire::fault::{Fault, Kind, Phase};
use wire::note::Notes;
use wire::sse;
use wire::turn::{End, Event, Finish};

use super::ledger::Ledger;
use super::passing::Passed;
use super::vault::ModelVault;
use super::{begins_as_events, classify, no_answer};
use crate::buffers;
use crate::config::Provider;
use crate::store::Outcome;
use crate::upstream::Body;

/// The largest event of a stream.
pub(super) const MAX_FRAME: usize = 16 << 20;
/// The largest stream: what it says is kept to its end, and some models never stop by themselves.
const MAX_STREAM: usize = 256 << 20;
/// How much is kept of what does not look like a stream.
const MAX_OPENING: usize = 4 << 10;
/// The largest answer that comes in one piece.
pub(super) const MAX_ANSWER: usize = 64 << 20;

/// An answer on its way.
#[derive(Debug)]
pub struct Relay {
    source: Option<Source>,
    machine: Machine,
}

/// Where the answer comes from; none once everything has come.
#[derive(Debug)]
struct Source {
    body: Body,
    received: usize,
    opening: Opening,
}

impl Source {
    fn new(body: Body) -> Self {
        Self { body, received: 0, opening: Opening::default() }
    }
}

/// The beginning of what should be a stream, as long as it does not look like one.
#[derive(Debug, Default)]
struct Opening {
    bytes: Vec<u8>,
    is_events: Option<bool>,
}

impl Opening {
    fn push(&mut self, bytes: &[u8]) {
        if self.is_events == Some(true) || self.bytes.len() > MAX_OPENING {
            return;
        }
        // The usual one is known at once, and nothing is copied.
        if self.bytes.is_empty() && begins_as_events(bytes) == Some(true) {
            self.is_events = Some(true);
            return;
        }
        self.bytes.extend(bytes.iter().take(MAX_OPENING));
        self.is_events = begins_as_events(&self.bytes);
    }

    /// The fault of words in place of a stream.
    fn fault(&self) -> Option<Fault> {
        let words = self.is_events == Some(false);
        words.then(|| no_answer(&String::from_utf8_lossy(&self.bytes)))
    }
}

/// What makes the client's answer of the upstream's.
#[derive(Debug)]
enum Machine {
    Translated(Box<Translated>),
    Passed(Box<Passed>),
}

/// An answer that is translated.
#[derive(Debug)]
struct Translated {
    frames: sse::Decoder,
    /// None where the answer was here at once.
    decoder: Option<Decoder>,
    writer: Writer,
}

/// The half of a translation that writes.
#[derive(Debug)]
struct Writer {
    dialect: Dialect,
    head: Arc<Head>,
    encoder: Encoder<ModelVault>,
    provider: Arc<Provider>,
    ledger: Ledger,
    out: String,
    /// Something was generated: from here on a fault is part of the answer.
    generated: bool,
    /// A fault before anything was generated.
    fault: Option<Fault>,
    now: u64,
}

impl Writer {
    fn event(&mut self, event: Event<'_>) {
        // An answer that waits for its upstream holds no buffer.
        if self.out.capacity() == 0 {
            self.out = buffers::take_text(0);
        }
        match event {
            Event::End(End::Failed(fault)) => {
                let fault = classify::refine(fault, &self.provider);
                if self.generated {
                    self.end(End::Failed(Fault { phase: Phase::Committed, ..fault }));
                } else {
                    self.fault = Some(fault);
                }
            }
            Event::End(end) => self.end(end),
            event => {
                if !self.generated && matches!(event, Event::Open { .. }) {
                    self.generated();
                }
                self.encoder.push(event, self.now, &mut self.out);
            }
        }
    }

    fn generated(&mut self) {
        self.generated = true;
        self.ledger.first_event();
        self.dialect.begin(&self.head, &mut self.out);
    }

    fn end(&mut self, end: End) {
        if !self.generated {
            self.generated();
        }
        self.encoder.push(Event::End(end), self.now, &mut self.out);
        // The encoder may know better: a call that broke off is a failure, however it was ended.
        match self.encoder.ended() {
            Some(End::Failed(fault)) => {
                self.ledger.failed(fault);
                self.fault = Some(fault.clone());
            }
            Some(End::Finished(finish)) => {
                self.ledger.note(|exchange| exchange.outcome = ended_well(finish));
            }
            None => {}
        }
        self.ledger.settle(self.encoder.usage(), self.encoder.notes());
    }
}

/// The outcome of an answer that came to its end.
pub(super) fn ended_well(finish: &Finish) -> Outcome {
    if finish.is_cut() { Outcome::Incomplete } else { Outcome::Completed }
}

impl Drop for Writer {
    /// A client that left gets no end, but what came until then was paid for.
    fn drop(&mut self) {
        if self.encoder.ended().is_none() && self.generated {
            self.ledger.settle(self.encoder.usage(), self.encoder.notes());
        }
    }
}

/// What a relay is made of, beside its upstream.
#[derive(Debug)]
pub(super) struct Parts {
    /// What the client speaks.
    pub(super) dialect: Dialect,
    pub(super) head: Arc<Head>,
    pub(super) setting: Setting,
    pub(super) vault: ModelVault,
    pub(super) notes: Notes,
    pub(super) provider: Arc<Provider>,
    pub(super) ledger: Ledger,
}

impl Translated {
    fn new(parts: Parts, decoder: Option<Decoder>) -> Self {
        let Parts { dialect, head, setting, vault, notes, provider, ledger } = parts;
        let writer = Writer {
            dialect,
            head: Arc::clone(&head),
            encoder: Encoder::new(dialect, head, setting, vault, notes),
            provider,
            ledger,
            out: String::new(),
            generated: false,
            fault: None,
            now: unix_now(),
        };
        Self { frames: sse::Decoder::new(MAX_FRAME), decoder, writer }
    }

    fn is_over(&self) -> bool {
        self.decoder.as_ref().is_none_or(Decoder::is_ended)
    }

    fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        let Self { frames, decoder: Some(decoder), writer } = self else { return Ok(()) };
        if decoder.is_ended() {
            return Ok(());
        }
        frames
            .push(bytes, &mut |frame| decoder.push(frame, &mut |event| writer.event(event)))
            .map_err(|broken| protocol(broken.to_string()))
    }

    fn end(&mut self, how: Ending) {
        let Self { frames, decoder: Some(decoder), writer } = self else { return };
        let mut how = how;
        if how == Ending::Closed {
            let mut sink =
                |frame: sse::Frame<'_>| decoder.push(frame, &mut |event| writer.event(event));
            if let Err(broken) = frames.end(&mut sink) {
                how = Ending::Broken(protocol(broken.to_string()));
            }
        }
        decoder.end(how, &mut |event| writer.event(event));
    }
}

fn protocol(why: impl Into<String>) -> Fault {
    Fault { phase: Phase::Sent, ..Fault::new(Kind::Protocol, why) }
}

impl Machine {
    fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        match self {
            Self::Translated(one) => one.push(bytes),
            Self::Passed(one) => one.push(bytes),
        }
    }

    fn end(&mut self, how: Ending) {
        match self {
            Self::Translated(one) => one.end(how),
            Self::Passed(one) => one.end(how),
        }
    }

    /// The upstream has said that its answer is over.
    fn is_over(&self) -> bool {
        match self {
            Self::Translated(one) => one.is_over(),
            Self::Passed(one) => one.is_over(),
        }
    }

    /// The client has been told, or is about to be.
    fn is_told(&self) -> bool {
        match self {
            Self::Translated(one) => one.writer.encoder.ended().is_some(),
            Self::Passed(one) => one.ended,
        }
    }

    fn is_generated(&self) -> bool {
        match self {
            Self::Translated(one) => one.writer.generated,
            Self::Passed(one) => one.generated,
        }
    }

    fn fault(&mut self) -> &mut Option<Fault> {
        match self {
            Self::Translated(one) => &mut one.writer.fault,
            Self::Passed(one) => &mut one.fault,
        }
    }

    fn take_out(&mut self) -> Vec<u8> {
        match self {
            Self::Translated(one) => std::mem::take(&mut one.writer.out).into_bytes(),
            Self::Passed(one) => std::mem::take(&mut one.out),
        }
    }

    fn has_out(&self) -> bool {
        match self {
            Self::Translated(one) => !one.writer.out.is_empty(),
            Self::Passed(one) => !one.out.is_empty(),
        }
    }
}

impl Relay {
    /// A relay that translates a stream.
    pub(super) fn stream(parts: Parts, body: Body, decoder: Decoder) -> Self {
        let machine = Machine::Translated(Box::new(Translated::new(parts, Some(decoder))));
        Self { source: Some(Source::new(body)), machine }
    }

    /// A relay whose answer is here already, as events.
    pub(super) fn whole(parts: Parts, make: impl FnOnce(&mut dyn FnMut(Event<'_>))) -> Self {
        let mut translated = Translated::new(parts, None);
        make(&mut |event| translated.writer.event(event));
        Self { source: None, machine: Machine::Translated(Box::new(translated)) }
    }

    /// A relay that passes a stream.
    pub(super) fn pass(passed: Passed, body: Body) -> Self {
        Self { source: Some(Source::new(body)), machine: Machine::Passed(Box::new(passed)) }
    }

    /// A relay whose answer is here already, as it is.
    pub(super) fn passed(passed: Passed) -> Self {
        Self { source: None, machine: Machine::Passed(Box::new(passed)) }
    }

    /// Waits until something was generated; or, where `is_committed` says that the client can get no
    /// other answer, until a stream that is passed has begun. A fault that came in the same read is
    /// then part of the answer, as it would be had it come later.
    ///
    /// # Errors
    /// The answer failed before that; then nothing has been written.
    pub(super) async fn wait(&mut self, is_committed: impl Fn() -> bool) -> Result<(), Fault> {
        poll_fn(|cx| {
            while !self.machine.is_generated()
                && self.machine.fault().is_none()
                && self.source.is_some()
            {
                if let Machine::Passed(one) = &mut self.machine
                    && !one.out.is_empty()
                    && is_committed()
                {
                    one.committed = true;
                    break;
                }
                std::task::ready!(self.poll_read(cx));
            }
            Poll::Ready(())
        })
        .await;
        let generated = self.machine.is_generated();
        match self.machine.fault().take_if(|_| !generated) {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }

    /// Reads what has arrived. Ready when something may have been written.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(Source { body, received, opening }) = &mut self.source else {
            return Poll::Ready(());
        };
        let machine = &mut self.machine;
        let mut broken = None;
        let read = body.poll_read(cx, &mut |bytes| {
            *received += bytes.len();
            opening.push(bytes);
            if broken.is_none() {
                broken = machine.push(bytes).err();
            }
        });
        if machine.is_over() && machine.fault().is_none() {
            body.answered();
        }
        let end = match read {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(true)) => None,
            Poll::Ready(Ok(false)) => {
                let words = opening.fault().filter(|_| !machine.is_generated());
                Some(words.map_or(Ending::Closed, Ending::Broken))
            }
            Poll::Ready(Err(fault)) => Some(Ending::Broken(fault)),
        };
        let end = match broken {
            Some(fault) => Some(Ending::Broken(fault)),
            None if *received > MAX_STREAM => {
                let why = format!("the upstream's stream is longer than {} MiB", MAX_STREAM >> 20);
                Some(Ending::Broken(protocol(why)))
            }
            None => end,
        };
        if let Some(end) = end {
            machine.end(end);
            self.source = None;
        }
        Poll::Ready(())
    }

    /// The next piece for the client: everything that has arrived, in one. Ready with nothing at
    /// the end of the answer.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        loop {
            // After the last event only the end of the body is to come: nobody waits for it.
            if self.machine.is_told() {
                self.source = None;
            }
            if self.machine.has_out() {
                return Poll::Ready(Some(self.machine.take_out()));
            }
            if self.source.is_none() {
                return Poll::Ready(None);
            }
            if let Machine::Translated(one) = &mut self.machine {
                one.writer.now = unix_now();
            }
            match self.poll_read(cx) {
                Poll::Ready(()) => {}
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Whether nothing more will come.
    pub fn is_over(&self) -> bool {
        self.source.is_none() && !self.machine.has_out()
    }

    /// The model whose answer is passed in place of the first choice's. A translated answer names
    /// it itself.
    pub fn passed_stand_in(&self) -> Option<String> {
        match &self.machine {
            Machine::Translated(_) => None,
            Machine::Passed(one) => one.stand_in(),
        }
    }

    /// Writes a sign of life; only between two pieces.
    pub fn keep_alive(&self, out: &mut String) {
        match &self.machine {
            Machine::Translated(one) => one.writer.dialect.keep_alive(&one.writer.head, out),
            Machine::Passed(one) => one.keep_alive(out),
        }
    }

    /// Waits for the whole answer and returns it as one object, with its notes for the header.
    ///
    /// # Errors
    /// The answer failed. Nothing of it has reached the client, so it is told by the status.
    pub async fn finish(mut self) -> Result<(Vec<u8>, String), Fault> {
        let mut pieces = Vec::new();
        while let Some(piece) = poll_fn(|cx| self.poll_next(cx)).await {
            if matches!(self.machine, Machine::Passed(_)) {
                pieces = piece;
            }
        }
        match (self.machine.fault().take(), &mut self.machine) {
            (Some(fault), _) => Err(fault),
            (None, Machine::Translated(one)) => {
                let encoder = &mut one.writer.encoder;
                let notes = encoder.notes().header();
                Ok((encoder.take_object().into_bytes(), notes))
            }
            (None, Machine::Passed(one)) => Ok((pieces, one.notes().header())),
        }
    }
}

/// Unix time in seconds.
pub fn unix_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}
