//! A streamed answer, pulled by the client's connection: everything that has arrived goes out in
//! one piece, and a sign of life when nothing has for a while.

use std::future::Future;
use std::pin::Pin;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep};
use wire::answer::{Head, Setting};
use wire::dialect::{Dialect, Encoder};
use wire::fault::{Fault, Phase};
use wire::note::{Code, Notes};
use wire::turn::{End, Event};

use crate::attempt::{COMMENT, Early, Ledger, ModelVault, Relay, unix_now};

/// An attempt that goes on after the head of the answer went out.
pub(super) type Attempt = Pin<Box<dyn Future<Output = Result<Relay, Fault>> + Send>>;

/// A streamed answer.
pub(super) struct Stream {
    state: State,
    dialect: Dialect,
    head: Arc<Head>,
    ledger: Ledger,
    early: Arc<Mutex<Early>>,
    /// What a failure needs to be written before anybody answered.
    vault: ModelVault,
    setting: Setting,
    keep_alive: Duration,
    last: Instant,
    timer: Pin<Box<Sleep>>,
    /// The head says that a fallback answers.
    told: bool,
    /// Something went out that says the stream is open.
    opened: bool,
    sent: u64,
}

enum State {
    Waiting(Attempt),
    Relaying(Box<Relay>),
    Over,
}

impl std::fmt::Debug for Stream {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Stream").field("head", &self.head).finish_non_exhaustive()
    }
}

/// What a stream is made of.
pub(super) struct Parts {
    pub(super) dialect: Dialect,
    pub(super) head: Arc<Head>,
    pub(super) ledger: Ledger,
    pub(super) vault: ModelVault,
    /// What is known of the answer when nobody gave one.
    pub(super) setting: Setting,
    pub(super) keep_alive: Duration,
    pub(super) early: Arc<Mutex<Early>>,
}

impl Stream {
    /// A stream whose first event is here.
    pub(super) fn begun(parts: Parts, relay: Relay) -> Self {
        Self::new(parts, State::Relaying(Box::new(relay)))
    }

    /// A stream that opens before anything was generated.
    pub(super) fn waiting(parts: Parts, attempt: Attempt) -> Self {
        parts.early.lock().unwrap_or_else(PoisonError::into_inner).head_is_out = true;
        Self::new(parts, State::Waiting(attempt))
    }

    fn new(parts: Parts, state: State) -> Self {
        let Parts { dialect, head, ledger, vault, setting, keep_alive, early } = parts;
        let told = {
            let early = early.lock().unwrap_or_else(PoisonError::into_inner);
            early.notes.contains(Code::FallbackUsed.name())
        };
        let last = Instant::now();
        let timer = Box::pin(tokio::time::sleep_until(last + keep_alive));
        Self {
            state,
            dialect,
            head,
            ledger,
            early,
            vault,
            setting,
            keep_alive,
            last,
            timer,
            told,
            opened: false,
            sent: 0,
        }
    }

    /// The next piece; nothing at the end.
    pub(super) fn poll_next(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        let piece = match self.poll_piece(cx) {
            Poll::Ready(piece) => piece,
            Poll::Pending => std::task::ready!(self.poll_keep_alive(cx)),
        };
        if let Some(piece) = &piece {
            self.last = Instant::now();
            self.sent += piece.len() as u64;
        }
        Poll::Ready(piece)
    }

    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        if let State::Waiting(attempt) = &mut self.state {
            let mut opening = String::new();
            if !std::mem::replace(&mut self.opened, true) {
                match self.early.lock().unwrap_or_else(PoisonError::into_inner).passes {
                    // The upstream will open it.
                    true => opening.push_str(COMMENT),
                    false => self.dialect.begin(&self.head, &mut opening),
                }
            }
            match attempt.as_mut().poll(cx) {
                Poll::Pending if opening.is_empty() => return Poll::Pending,
                Poll::Pending => return Poll::Ready(Some(opening.into_bytes())),
                Poll::Ready(Ok(relay)) => {
                    // The head went out without that note, and what is passed holds none.
                    if let Some(model) = relay.passed_stand_in().filter(|_| !self.told) {
                        let used = Code::FallbackUsed.name();
                        opening.push_str(&format!(": quire {used} {model}\n\n"));
                    }
                    self.state = State::Relaying(Box::new(relay));
                }
                Poll::Ready(Err(fault)) => {
                    self.state = State::Over;
                    self.fail(fault, &mut opening);
                }
            }
            if !opening.is_empty() {
                return Poll::Ready(Some(opening.into_bytes()));
            }
        }
        match &mut self.state {
            State::Relaying(relay) => {
                let piece = std::task::ready!(relay.poll_next(cx));
                if piece.is_none() || relay.is_over() {
                    self.state = State::Over;
                }
                Poll::Ready(piece)
            }
            State::Waiting(_) | State::Over => Poll::Ready(None),
        }
    }

    /// Ends an answer that nobody began.
    fn fail(&mut self, fault: Fault, out: &mut String) {
        let fault = Fault { phase: Phase::Committed, ..fault };
        self.ledger.failed(&fault);
        let setting = std::mem::take(&mut self.setting);
        let head = match self.dialect == Dialect::Responses && self.head.echo.is_empty() {
            // The upstream would have repeated the request.
            true => Arc::new(self.head.with_empty_echo()),
            false => Arc::clone(&self.head),
        };
        if self.dialect == Dialect::Responses {
            self.dialect.begin(&head, out);
        }
        let mut encoder =
            Encoder::new(self.dialect, head, setting, self.vault.clone(), Notes::default());
        encoder.push(Event::End(End::Failed(fault)), unix_now(), out);
    }

    /// Whether nothing more will come.
    pub(super) fn is_over(&self) -> bool {
        matches!(self.state, State::Over)
    }

    /// Whether quire has opened the stream itself.
    fn is_open(&self) -> bool {
        self.head.sequence.load(Ordering::Relaxed) > 0
    }

    /// The timer is set again only when it has fired: every piece would be too often.
    fn poll_keep_alive(&mut self, cx: &mut Context<'_>) -> Poll<Option<Vec<u8>>> {
        while self.timer.as_mut().poll(cx).is_ready() {
            let due = self.last + self.keep_alive;
            let now = Instant::now();
            if now < due {
                self.timer.as_mut().reset(due);
                continue;
            }
            self.timer.as_mut().reset(now + self.keep_alive);
            let mut piece = String::new();
            match &self.state {
                State::Relaying(relay) => relay.keep_alive(&mut piece),
                State::Waiting(_) | State::Over if self.is_open() => {
                    self.dialect.keep_alive(&self.head, &mut piece);
                }
                State::Waiting(_) | State::Over => piece.push_str(COMMENT),
            }
            return Poll::Ready(Some(piece.into_bytes()));
        }
        Poll::Pending
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        let sent = self.sent;
        self.ledger.note(|exchange| exchange.response_bytes = sent);
    }
}
