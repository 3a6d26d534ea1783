//! One answer on its way from an upstream to a client: bytes in, events of the client's dialect
//! out, pulled by whoever reads it.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::SystemTime;

use wire::answer::{Ending, Head, Setting};
use wire::chat;
use wire::fault::{Fault, Kind, Phase};
use wire::note::Notes;
use wire::responses::{self, Encoder};
use wire::sse;
use wire::turn::{End, Event};

use super::classify;
use super::ledger::Ledger;
use super::vault::ModelVault;
use crate::buffers;
use crate::config::Provider;
use crate::store::Outcome;
use crate::upstream::Body;

/// The largest event of a stream.
const MAX_FRAME: usize = 16 << 20;
/// The largest stream: what it says is kept to its end, and some models never stop by themselves.
const MAX_STREAM: usize = 256 << 20;
/// The largest answer that comes in one piece.
pub(super) const MAX_ANSWER: usize = 64 << 20;

/// An answer on its way.
#[derive(Debug)]
pub struct Relay {
    source: Option<Source>,
    writer: Writer,
}

/// Where the answer comes from; none once everything has come.
#[derive(Debug)]
struct Source {
    body: Body,
    frames: sse::Decoder,
    decoder: chat::Decoder,
    received: usize,
}

/// The half of a relay that writes.
#[derive(Debug)]
struct Writer {
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
        responses::encode::begin(&self.head, &mut self.out);
    }

    fn end(&mut self, end: End) {
        use wire::turn::Finish;
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
            Some(End::Finished(finish)) => self.ledger.note(|exchange| {
                exchange.outcome = match finish {
                    Finish::Length | Finish::Filtered => Outcome::Incomplete,
                    Finish::Stop | Finish::Sequence(_) | Finish::Calls | Finish::Other(_) => {
                        Outcome::Completed
                    }
                };
            }),
            None => {}
        }
        self.ledger.settle(self.encoder.usage(), self.encoder.notes());
    }
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
    pub(super) head: Arc<Head>,
    pub(super) setting: Setting,
    pub(super) vault: ModelVault,
    pub(super) notes: Notes,
    pub(super) provider: Arc<Provider>,
    pub(super) ledger: Ledger,
}

impl Parts {
    fn writer(self) -> Writer {
        Writer {
            head: Arc::clone(&self.head),
            encoder: Encoder::new(self.head, self.setting, self.vault, self.notes),
            provider: self.provider,
            ledger: self.ledger,
            out: String::new(),
            generated: false,
            fault: None,
            now: unix_now(),
        }
    }
}

impl Relay {
    /// A relay that reads a stream.
    pub(super) fn stream(parts: Parts, body: Body, decoder: chat::Decoder) -> Self {
        let frames = sse::Decoder::new(MAX_FRAME);
        Self { source: Some(Source { body, frames, decoder, received: 0 }), writer: parts.writer() }
    }

    /// A relay whose answer is here already.
    pub(super) fn whole(parts: Parts, make: impl FnOnce(&mut dyn FnMut(Event<'_>))) -> Self {
        let mut writer = parts.writer();
        make(&mut |event| writer.event(event));
        Self { source: None, writer }
    }

    /// Waits until something was generated. A fault that came in the same read is then part of the
    /// answer, as it would be had it come later.
    ///
    /// # Errors
    /// The answer failed before that; then nothing has been written.
    pub(super) async fn wait(&mut self) -> Result<(), Fault> {
        poll_fn(|cx| {
            while !self.writer.generated && self.writer.fault.is_none() && self.source.is_some() {
                std::task::ready!(self.poll_read(cx));
            }
            Poll::Ready(())
        })
        .await;
        match self.writer.fault.take_if(|_| !self.writer.generated) {
            Some(fault) => Err(fault),
            None => Ok(()),
        }
    }

    /// Reads what has arrived. Ready when something may have been written.
    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(Source { body, frames, decoder, received }) = &mut self.source else {
            return Poll::Ready(());
        };
        let writer = &mut self.writer;
        let mut broken = None;
        let read = body.poll_read(cx, &mut |bytes| {
            *received += bytes.len();
            if broken.is_none() && !decoder.is_ended() {
                let mut sink =
                    |frame: sse::Frame<'_>| decoder.push(frame, &mut |event| writer.event(event));
                broken = frames.push(bytes, &mut sink).err();
            }
        });
        if decoder.is_ended() && writer.fault.is_none() {
            body.answered();
        }
        let end = match read {
            Poll::Pending => return Poll::Pending,
            Poll::Ready(Ok(true)) => None,
            Poll::Ready(Ok(false)) => {
                let mut sink =
                    |frame: sse::Frame<'_>| decoder.push(frame, &mut |event| writer.event(event));
                broken = broken.or(frames.end(&mut sink).err());
                Some(Ending::Closed)
            }
            Poll::Ready(Err(fault)) => Some(Ending::Broken(fault)),
        };
        let protocol = |why: String| {
            Some(Ending::Broken(Fault { phase: Phase::Sent, ..Fault::new(Kind::Protocol, why) }))
        };
        let end = match broken {
            Some(broken) => protocol(broken.to_string()),
            None if *received > MAX_STREAM => {
                protocol(format!("the upstream's stream is longer than {} MiB", MAX_STREAM >> 20))
            }
            None => end,
        };
        if let Some(end) = end {
            decoder.end(end, &mut |event| writer.event(event));
            self.source = None;
        }
        Poll::Ready(())
    }

    /// The next piece for the client: everything that has arrived, in one. Ready with nothing at
    /// the end of the answer.
    pub fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<String>> {
        loop {
            if !self.writer.out.is_empty() {
                return Poll::Ready(Some(std::mem::take(&mut self.writer.out)));
            }
            // After the last event the rest of the body is read, so that its connection can be
            // used again; but nobody waits for it.
            if self.source.is_none() {
                return Poll::Ready(None);
            }
            self.writer.now = unix_now();
            match self.poll_read(cx) {
                Poll::Ready(()) => {}
                Poll::Pending if self.writer.encoder.is_ended() => {
                    self.source = None;
                    return Poll::Ready(None);
                }
                Poll::Pending => return Poll::Pending,
            }
        }
    }

    /// Waits for the whole answer and returns it as one object, with its notes for the header.
    ///
    /// # Errors
    /// The answer failed. Nothing of it has reached the client, so it is told by the status.
    pub async fn finish(mut self) -> Result<(String, String), Fault> {
        while poll_fn(|cx| self.poll_next(cx)).await.is_some() {}
        match self.writer.fault.take() {
            Some(fault) => Err(fault),
            None => {
                let notes = self.writer.encoder.notes().header();
                Ok((self.writer.encoder.take_object(), notes))
            }
        }
    }
}

/// Unix time in seconds.
pub fn unix_now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}
