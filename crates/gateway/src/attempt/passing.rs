//! Passing a request on to an upstream that speaks the caller's dialect, and its answer back.

use std::sync::Arc;
use std::sync::atomic::AtomicU64;

use wire::answer::{Ending, Head};
use wire::dialect::{Dialect, Encoder};
use wire::envelope::{Change, edit_into};
use wire::fault::{Fault, Phase};
use wire::json::{Tape, Value, quote_into};
use wire::note::{Code, Notes};
use wire::pass::{Stripped, Tap, Verdict, may_hold_any, strip_sealed, without_developer};
use wire::turn::{End, Event, Finish, Opened, Sealed, Vault as _};

use super::issuers::Issuers;
use super::relay::{MAX_FRAME, Parts, ended_well, unix_now};
use super::{Ask, alias, classify};
use crate::buffers;
use crate::route::Candidate;
use crate::seal::Sealer;

/// Writes the body that goes to `candidate`. With `forget` everything that an upstream sealed is
/// left out, since this one refused something of it.
pub(super) fn body(
    ask: &Ask,
    candidate: &Candidate,
    sealer: &Sealer,
    issuers: &Issuers,
    vault: &super::ModelVault,
    forget: bool,
    notes: &mut Notes,
) -> String {
    let (text, root) = (ask.document.text(), ask.document.root());
    if may_hold_any(text) {
        let mut judge = |blob: &str| match vault.open(Sealed::Compaction, blob) {
            Opened::Text(summary) => Verdict::Say(summary),
            Opened::Foreign if forget || Sealer::is_ours(blob) => Verdict::Drop,
            Opened::Foreign => {
                let hash = sealer.fingerprint(blob.as_bytes());
                match issuers.is_foreign(hash, &candidate.provider.id) {
                    true => Verdict::Drop,
                    false => Verdict::Keep,
                }
            }
        };
        if let Some((stripped, counts)) = strip_sealed(ask.dialect, text, root, &mut judge) {
            tell(counts, notes);
            let mut tape = Tape::default();
            // It was JSON and lost whole elements only.
            if let Ok(root) = tape.read(&stripped) {
                return addressed(ask, candidate, &stripped, root, notes);
            }
        }
    }
    addressed(ask, candidate, text, root, notes)
}

fn tell(counts: Stripped, notes: &mut Notes) {
    for _ in 0..counts.reasoning {
        notes.add(Code::ReasoningForeign, "reasoning");
    }
    for _ in 0..counts.summaries {
        notes.add(Code::CompactionUnreadable, "input[]");
    }
    if counts.thinking_off {
        notes.add(Code::EffortIgnored, "thinking");
    }
}

/// The body under the upstream's own name for the model, with what the alias adds.
fn addressed(
    ask: &Ask,
    candidate: &Candidate,
    text: &str,
    root: Value<'_, '_>,
    notes: &mut Notes,
) -> String {
    let model = &candidate.model.id;
    let mut quoted = String::with_capacity(model.len() + 2);
    quote_into(model, &mut quoted);
    let members = match &ask.route.alias {
        Some(alias) => alias::members(alias, ask.dialect, root, notes),
        None => Vec::new(),
    };
    let mut changes: Vec<(&str, Change<'_>)> =
        members.iter().map(|(name, raw)| (*name, Change::Set(raw.as_str()))).collect();
    let named = root.get("model").and_then(Value::as_str);
    if !named.is_some_and(|named| named.is(model)) {
        changes.push(("model", Change::Set(&quoted)));
    }
    let mut body = buffers::take_text(text.len() + 64);
    match changes.is_empty() {
        true => body.push_str(text),
        false => edit_into(text, root, &changes, &mut body),
    }
    if ask.dialect != Dialect::Chat || candidate.target(Dialect::Chat).developer_role {
        return body;
    }
    let Some(renamed) = without_developer(&body) else { return body };
    notes.add(Code::DeveloperRole, "messages[].role");
    buffers::give(body.into_bytes());
    renamed
}

/// An answer that is passed on.
#[derive(Debug)]
pub(super) struct Passed {
    dialect: Dialect,
    tap: Tap,
    parts: Parts,
    issuers: Arc<Issuers>,
    sealer: Arc<Sealer>,
    issuer: Arc<str>,
    pub(super) out: Vec<u8>,
    pub(super) generated: bool,
    /// The client is told all that comes, though nothing was generated yet.
    pub(super) committed: bool,
    /// A fault that ended the answer, or came before there was any.
    pub(super) fault: Option<Fault>,
    /// The client has got its end.
    pub(super) ended: bool,
}

impl Passed {
    pub(super) fn new(parts: Parts, issuers: Arc<Issuers>, sealer: Arc<Sealer>) -> Self {
        let dialect = parts.dialect;
        let tap = Tap::new(dialect, parts.head.model.as_str(), MAX_FRAME);
        let issuer = parts.provider.id.as_str().into();
        Self {
            dialect,
            tap,
            parts,
            issuers,
            sealer,
            issuer,
            out: Vec::new(),
            generated: false,
            committed: false,
            fault: None,
            ended: false,
        }
    }

    /// The upstream has said that the answer is over.
    pub(super) fn is_over(&self) -> bool {
        self.tap.is_ended()
    }

    /// Takes more of a stream.
    ///
    /// # Errors
    /// It cannot be read on.
    pub(super) fn push(&mut self, bytes: &[u8]) -> Result<(), Fault> {
        // An answer that waits for its upstream holds no buffer.
        if self.out.capacity() == 0 {
            self.out = buffers::take(0);
        }
        let pushed = self.tap.push(bytes, &mut self.out);
        self.hide_secrets();
        self.look();
        pushed
    }

    /// Ends a stream.
    pub(super) fn end(&mut self, how: Ending) {
        if self.ended {
            return;
        }
        let untold = self.tap.end(how, &mut self.out);
        self.hide_secrets();
        let untold = untold.map(|fault| classify::refine(fault, &self.parts.provider));
        self.look();
        match untold {
            None => self.over(),
            Some(fault) if self.generated || self.committed => {
                self.fail(Fault { phase: Phase::Committed, ..fault })
            }
            Some(fault) => self.fault = Some(fault),
        }
    }

    /// Takes a whole answer. One that failed is passed only if `is_last` says that nobody else can
    /// be asked.
    pub(super) fn answer(&mut self, body: &str, is_last: bool) {
        match (self.tap.answer(body), self.tap.fault()) {
            (Ok(_), Some(fault)) if !is_last => {
                self.fault = Some(classify::refine(fault.clone(), &self.parts.provider));
            }
            (Ok(answer), _) => {
                self.out = answer.into_bytes();
                self.hide_secrets();
                self.look();
                self.over();
                // Where it failed it says so itself: the client gets it as it is.
                self.fault = None;
            }
            (Err(fault), _) => {
                self.fault = Some(classify::refine(fault, &self.parts.provider));
            }
        }
    }

    /// An error may quote what the upstream was sent.
    fn hide_secrets(&mut self) {
        if self.tap.fault().is_some() {
            classify::hide_in(&mut self.out, &self.parts.provider);
        }
    }

    /// Looks at what the tap has found.
    fn look(&mut self) {
        for blob in self.tap.take_sealed() {
            self.issuers.remember(self.sealer.fingerprint(blob.as_bytes()), &self.issuer);
        }
        if !self.generated && self.tap.is_generated() {
            self.generated = true;
            self.parts.ledger.first_event();
        }
        // Until something was generated an error is not part of an answer: nothing of it goes out,
        // unless its beginning did.
        if !(self.generated || self.committed)
            && self.fault.is_none()
            && let Some(fault) = self.tap.fault()
        {
            self.fault = Some(classify::refine(fault.clone(), &self.parts.provider));
            self.out.clear();
        }
        if self.tap.is_ended() && (self.generated || self.committed) {
            self.over();
        }
    }

    /// The upstream's own end went out.
    fn over(&mut self) {
        if std::mem::replace(&mut self.ended, true) {
            return;
        }
        if !self.generated && self.fault.is_none() {
            self.generated = true;
            self.parts.ledger.first_event();
        }
        let Parts { ledger, notes, provider, .. } = &self.parts;
        match self.tap.fault() {
            Some(fault) => {
                let fault = classify::refine(fault.clone(), provider);
                ledger.failed(&fault);
                self.fault = Some(fault);
            }
            None => {
                let finish = self.tap.finish().cloned().unwrap_or(Finish::Stop);
                ledger.note(|exchange| exchange.outcome = ended_well(&finish));
            }
        }
        ledger.settle(self.tap.usage(), notes);
    }

    /// Writes the end that the upstream owes.
    fn fail(&mut self, fault: Fault) {
        self.ended = true;
        self.parts.ledger.failed(&fault);
        self.parts.ledger.settle(self.tap.usage(), &self.parts.notes);
        let head = Arc::new(self.head(1));
        let Parts { setting, vault, notes, .. } = &mut self.parts;
        let setting = std::mem::take(setting);
        let notes = std::mem::take(notes);
        let mut encoder = Encoder::new(self.dialect, head, setting, vault.clone(), notes);
        let mut end = String::new();
        encoder.push(Event::End(End::Failed(fault.clone())), unix_now(), &mut end);
        self.out.extend_from_slice(self.named(end).as_bytes());
        self.fault = Some(fault);
    }

    /// A head that goes on where the upstream stopped.
    fn head(&self, at_least: u64) -> Head {
        let place = self.tap.place();
        let echo = place.echo();
        let Head { stem, created_at, model, .. } = &*self.parts.head;
        let head = Head {
            stem: stem.clone(),
            created_at: place.created_at.unwrap_or(*created_at),
            model: model.clone(),
            echo: echo.as_str().into(),
            sequence: AtomicU64::new(place.sequence.max(at_least)),
        };
        match echo.is_empty() {
            true => head.with_empty_echo(),
            false => head,
        }
    }

    /// What quire wrote, with the id that the upstream gave its answer.
    fn named(&self, text: String) -> String {
        let id = &self.tap.place().id;
        if self.dialect != Dialect::Responses || id.is_empty() {
            return text;
        }
        let mut quoted = String::new();
        quote_into(id, &mut quoted);
        text.replacen(&format!("\"resp_{}\"", self.parts.head.stem), &quoted, 1)
    }

    /// A sign of life between two events.
    pub(super) fn keep_alive(&self, out: &mut String) {
        let has_opened = self.generated || self.committed && !self.tap.place().id.is_empty();
        match has_opened {
            true => {
                let head = self.head(1);
                // The number of the last event once more: the next one is the upstream's to give.
                let last = head.sequence.load(std::sync::atomic::Ordering::Relaxed).max(1) - 1;
                head.sequence.store(last, std::sync::atomic::Ordering::Relaxed);
                let mut alive = String::new();
                self.dialect.keep_alive(&head, &mut alive);
                out.push_str(&self.named(alive));
            }
            // The upstream has not opened its stream, so only what every reader skips may go out.
            false => out.push_str(COMMENT),
        }
    }

    /// The model that stands in for the first choice, if one does.
    pub(super) fn stand_in(&self) -> Option<String> {
        let Parts { setting, notes, .. } = &self.parts;
        let stands_in = notes.list().iter().any(|note| note.code == Code::FallbackUsed);
        stands_in.then(|| format!("{}/{}", setting.provider, setting.upstream_model))
    }

    /// The notes for the head of the answer.
    pub(super) fn notes(&self) -> &Notes {
        &self.parts.notes
    }
}

/// What every reader of server-sent events skips.
pub const COMMENT: &str = ": keep-alive\n\n";

impl Drop for Passed {
    /// A client that left gets no end, but what came until then was paid for.
    fn drop(&mut self) {
        if !self.ended && self.generated {
            self.parts.ledger.settle(self.tap.usage(), &self.parts.notes);
        }
    }
}
