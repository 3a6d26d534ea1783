//! The one loop: take a candidate, write its request, send it, judge the answer, decide.
//!
//! It knows no web framework; whoever calls it owns the client. Start with [`Gateway::answer`].

mod alias;
mod classify;
mod count;
mod demo;
mod issuers;
mod ledger;
mod next;
mod passing;
mod relay;
mod repeats;
mod sending;
mod shared;
mod vault;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, header};
use wire::answer::{Ending, Head, Setting};
use wire::chat::parse::is_responses_shaped;
use wire::dialect::{Decoder, Dialect};
use wire::fault::{Fault, Kind, Phase, Reader};
use wire::json::{Document, Escaped, SyntaxError};
use wire::note::{Code, Notes};
use wire::pass::may_hold_any;
use wire::paths::fault_told_to;
use wire::responses::object;
use wire::said;
use wire::turn::Turn;

pub use count::Count;
pub use issuers::Issuers;
pub use ledger::Ledger;
pub use passing::COMMENT;
pub use relay::{Relay, unix_now};
pub use repeats::{Repeats, Ticket};
pub use shared::Shared;
pub use vault::ModelVault;

use crate::buffers;
use crate::config::{Origin, Snapshot};
use crate::route::{Candidate, Route};
use crate::seal::Sealer;
use crate::store::Attempt;
use crate::upstream::{Body as Answer, Client, Response, Timeouts};
use next::{Next, Progress, next};
use passing::Passed;
use relay::Parts;

/// How much of an error's body is read.
const MAX_ERROR_BODY: usize = 256 << 10;
/// How long the words of an error are waited for: less than the head of an answer is held.
const ERROR_PATIENCE: Duration = Duration::from_secs(1);

/// How much of an answer that is none is quoted, in characters.
const MAX_WORDS: usize = 300;
/// How much white space may stand before an answer whose type nobody told.
const MAX_BLANK: usize = 4 << 10;

/// What every attempt needs.
#[derive(Debug)]
pub struct Gateway {
    pub client: Client,
    pub sealer: Arc<Sealer>,
    pub issuers: Arc<Issuers>,
    pub shared: Shared,
}

/// One request of a client.
#[derive(Debug)]
pub struct Ask {
    /// What the client speaks.
    pub dialect: Dialect,
    pub document: Body,
    pub route: Route,
    pub snapshot: Arc<Snapshot>,
    pub head: Arc<Head>,
    pub request_id: String,
    /// What ties the requests of one conversation together, where the client says.
    pub session: Option<String>,
    /// Headers of the client's that go with a body that is passed on.
    pub passed_headers: HeaderMap,
    /// Who will read the answer.
    pub reader: Reader,
    pub ledger: Ledger,
    pub early: Arc<Mutex<Early>>,
}

/// What the attempt at hand and the stream that waits for it tell each other.
#[derive(Debug, Default)]
pub struct Early {
    /// The head went out before the answer had begun.
    pub head_is_out: bool,
    /// The notes of its request, for the header.
    pub notes: String,
    /// Its answer will be passed on, so that the upstream opens the stream.
    pub passes: bool,
}

impl Ask {
    /// Headers of the client's that change what its body means.
    pub fn headers_to_pass(dialect: Dialect, headers: &HeaderMap) -> HeaderMap {
        let named = sending::meant_for_upstream(dialect).iter().flat_map(|name| {
            let lines = headers.get_all(*name).iter().cloned();
            lines.map(|line| (http::HeaderName::from_static(name), line))
        });
        named.collect()
    }
}

/// The body of a request. Its memory is used again for the next one.
#[derive(Debug)]
pub struct Body(Option<Document>);

impl Body {
    /// Checks and indexes a body.
    ///
    /// # Errors
    /// It is not JSON that quire reads.
    pub fn parse(text: String) -> Result<Self, SyntaxError> {
        Document::parse_with(buffers::take_tape(), text).map(|document| Self(Some(document)))
    }

    /// Makes it such that every upstream takes it: see [`Document::mend`].
    fn mend(&mut self) {
        if let Some(document) = &mut self.0 {
            document.mend();
        }
    }
}

impl std::ops::Deref for Body {
    type Target = Document;

    fn deref(&self) -> &Document {
        self.0.as_ref().expect("it is taken only when dropped")
    }
}

impl Drop for Body {
    fn drop(&mut self) {
        if let Some((text, tape)) = self.0.take().map(Document::into_parts) {
            buffers::give(text.into_bytes());
            buffers::give_tape(tape);
        }
    }
}

/// How a candidate is asked.
#[derive(Clone, Copy, Debug)]
struct Manner {
    dialect: Dialect,
    /// Sealed things are left out, since the upstream refused one.
    forget: bool,
    /// Nobody else can be asked.
    is_last: bool,
}

impl Gateway {
    /// Gets an answer and brings it to its first generated event.
    ///
    /// # Errors
    /// What the last candidate failed with; nothing has been generated.
    pub async fn answer(self: Arc<Self>, mut ask: Ask) -> Result<Relay, Fault> {
        let candidates = ask.route.candidates.iter();
        let passing = candidates.filter(|candidate| ask.passes_to(candidate)).count();
        // What is translated is mended; what is passed stays as it came.
        let mut mended = None;
        if passing == 0 {
            ask.document.mend();
        } else if passing < ask.route.candidates.len() && ask.document.is_broken() {
            mended = Body::parse(ask.document.text().to_owned()).ok();
            mended.iter_mut().for_each(Body::mend);
        }
        let ask = ask;
        let readable = mended.as_ref().unwrap_or(&ask.document);
        let mut request_notes = Notes::default();
        let conversation = OnceLock::new();
        let mut turn = None;
        let (mut at, mut tries, mut forget) = (0, 0, false);
        loop {
            tries += 1;
            let candidate = &ask.route.candidates[at];
            let began = Instant::now();
            // The built-in provider has no endpoint; it answers what was understood.
            let dialect = match candidate.dialect(ask.dialect, ask.document.root()) {
                Some(dialect) => dialect,
                None if candidate.provider.origin == Origin::BuiltIn => Dialect::Chat,
                None => return Err(no_endpoint(candidate)),
            };
            let passes = ask.passes_to(candidate);
            if !passes && turn.is_none() {
                let mut read = ask.dialect.parse(readable.root(), &mut request_notes)?;
                read.settings.conversation = ask.session.as_deref().map(|name| {
                    let key = conversation.get_or_init(|| self.cache_key(name));
                    Escaped::plain(key)
                });
                if let Some(alias) = &ask.route.alias {
                    let mut added = Notes::default();
                    alias::complete(alias, &mut read, &mut added);
                    request_notes.tell(added, ask.dialect);
                }
                turn = Some(read);
            }
            let turn = turn.as_ref().filter(|_| !passes);
            let mut notes = match turn {
                Some(_) => request_notes.clone(),
                None => Notes::default(),
            };
            if candidate.unlisted {
                notes.add(Code::ModelUnlisted, "model");
            }
            if candidate.fallback || at > 0 {
                notes.add(Code::FallbackUsed, "model");
            }
            let mut status = None;
            let is_last = at + 1 == ask.route.candidates.len();
            let manner = Manner { dialect, forget, is_last };
            let done = self.attempt(&ask, candidate, turn, manner, notes, &mut status).await;
            ask.ledger.attempted(Attempt {
                provider: candidate.provider.id.clone().into(),
                model: candidate.model.id.clone().into(),
                status,
                fault: done.as_ref().err().map(|fault| fault.kind),
                ms: began.elapsed().as_millis() as u64,
            });
            let fault = match done {
                Ok(relay) => return Ok(relay),
                Err(fault) => fault,
            };
            // Refused before it was worked on: nothing is paid twice.
            if !forget && ask.may_hold_sealed() && classify::refuses_sealed(&fault) {
                forget = true;
                continue;
            }
            let left = ask.route.candidates.len() - at - 1;
            match next(&fault, Progress { tries, left }) {
                Next::Same => {}
                Next::Other => (at, tries, forget) = (at + 1, 0, false),
                Next::Stop => return Err(fault),
            }
        }
    }

    /// What upstreams are told of a conversation: the client's own name for it is nobody else's
    /// business.
    fn cache_key(&self, conversation: &str) -> String {
        let hash = u128::from_be_bytes(self.sealer.fingerprint(conversation.as_bytes()));
        format!("{hash:032x}")
    }

    /// One try at one candidate: `turn` is what is translated for it; without one the body is passed
    /// on.
    async fn attempt(
        &self,
        ask: &Ask,
        candidate: &Candidate,
        turn: Option<&Turn<'_>>,
        manner: Manner,
        mut notes: Notes,
        status: &mut Option<u16>,
    ) -> Result<Relay, Fault> {
        let Manner { dialect, forget, is_last } = manner;
        ask.ledger.note(|exchange| {
            exchange.provider = Some(candidate.provider.id.clone().into());
            exchange.model_used = Some(candidate.model.id.clone().into());
            exchange.dialect_out = Some(dialect.name().into());
        });
        let vault = ModelVault::new(Arc::clone(&self.sealer), candidate.name());
        let size = ask.document.text().len();
        let (body, setting) = match turn {
            Some(turn) => {
                let out = buffers::take_text(size + size / 8 + 512);
                let target = candidate.target(dialect);
                let vault = vault.clone().forgetful(forget);
                let mut written = Notes::default();
                let rendered = dialect
                    .render(turn, target, &vault, out, &mut written)
                    .map_err(|fault| fault_told_to(ask.dialect, fault))?;
                notes.tell(written, ask.dialect);
                let setting = Setting { names: rendered.names, ..setting_of(turn) };
                (rendered.body, setting)
            }
            None => {
                let body = passing::body(
                    ask,
                    candidate,
                    &self.sealer,
                    &self.issuers,
                    &vault,
                    forget,
                    &mut notes,
                );
                (body, Setting::default())
            }
        };
        {
            let mut early = ask.early.lock().unwrap_or_else(PoisonError::into_inner);
            (early.notes, early.passes) = (notes.header(), turn.is_none());
        }
        let streams = ask.streams();
        let setting = Setting {
            for_codex: ask.reader == Reader::Codex,
            whole: !streams,
            request_id: ask.request_id.clone(),
            provider: candidate.provider.id.clone(),
            upstream_model: candidate.model.id.clone(),
            input_estimate: body.len() as u64 / 4,
            ..setting
        };
        let parts = Parts {
            dialect: ask.dialect,
            head: Arc::clone(&ask.head),
            setting,
            vault,
            notes,
            provider: Arc::clone(&candidate.provider),
            ledger: ask.ledger.clone(),
        };
        let Some(url) = candidate.provider.endpoint(dialect) else {
            let mut relay = match turn {
                Some(turn) => demo::relay(parts, turn),
                None => return Err(no_endpoint(candidate)),
            };
            relay.wait(|| false).await?;
            return Ok(relay);
        };
        let none = HeaderMap::new();
        let passed = if turn.is_none() { &ask.passed_headers } else { &none };
        let head = sending::head(candidate, dialect, url.expose().as_str(), passed)?;
        let response = self
            .client
            .send(head, buffers::lend(body.into_bytes()), timeouts(&ask.snapshot))
            .await?;
        *status = Some(response.status.as_u16());
        ask.ledger.first_byte();
        let stem = format!("call_{}_", ask.head.stem);
        let decoder = || Decoder::new(dialect, candidate.target(dialect), &stem);
        // A stream that quire opened itself cannot be opened once more by the upstream.
        let unopened = ask.head.sequence.load(std::sync::atomic::Ordering::Relaxed) == 0;
        let mut relay = match turn {
            None if unopened => {
                self.receive_passed(response, candidate, ask, parts, decoder, is_last).await?
            }
            None => self.receive(response, candidate, understood(ask, parts), decoder()).await?,
            Some(_) => self.receive(response, candidate, parts, decoder()).await?,
        };
        relay.wait(|| is_last && ask.head_is_out()).await?;
        Ok(relay)
    }

    /// Judges the head of an answer and makes a relay of its body, to be translated.
    async fn receive(
        &self,
        response: Response,
        candidate: &Candidate,
        parts: Parts,
        decoder: Decoder,
    ) -> Result<Relay, Fault> {
        let (kind, body) = accepted(response, candidate, !parts.setting.whole).await?;
        if kind == Kept::Events {
            return Ok(Relay::stream(parts, body, decoder));
        }
        let text = whole(body, candidate).await?;
        Ok(Relay::whole(parts, |sink| play(&text, decoder, sink)))
    }

    /// The same, to be passed on; but an answer in another form than the client asked for is
    /// translated into the right one.
    async fn receive_passed(
        &self,
        response: Response,
        candidate: &Candidate,
        ask: &Ask,
        parts: Parts,
        decoder: impl FnOnce() -> Decoder,
        is_last: bool,
    ) -> Result<Relay, Fault> {
        let (kind, body) = accepted(response, candidate, ask.streams()).await?;
        let passed = |parts| {
            let (issuers, sealer) = (Arc::clone(&self.issuers), Arc::clone(&self.sealer));
            Passed::new(parts, issuers, sealer)
        };
        match (kind, ask.streams()) {
            (Kept::Events, true) => Ok(Relay::pass(passed(parts), body)),
            (Kept::Events, false) => Ok(Relay::stream(understood(ask, parts), body, decoder())),
            (Kept::Whole, streams) => {
                let text = whole(body, candidate).await?;
                if streams || !text.trim_start().starts_with('{') {
                    let parts = understood(ask, parts);
                    return Ok(Relay::whole(parts, |sink| play(&text, decoder(), sink)));
                }
                let mut passed = passed(parts);
                passed.answer(&text, is_last);
                Ok(Relay::passed(passed))
            }
        }
    }
}

impl Ask {
    /// Whether the body is passed on to this candidate: it is asked in the client's own dialect, and
    /// the body is what its endpoint says. Cursor sends Responses requests to the endpoint of Chat
    /// Completions, and no server but quire understands that.
    fn passes_to(&self, candidate: &Candidate) -> bool {
        let root = self.document.root();
        candidate.dialect(self.dialect, root) == Some(self.dialect)
            && (self.dialect != Dialect::Chat || !is_responses_shaped(root))
    }

    fn head_is_out(&self) -> bool {
        self.early.lock().unwrap_or_else(PoisonError::into_inner).head_is_out
    }

    /// Whether there may be something sealed that could be left out.
    fn may_hold_sealed(&self) -> bool {
        may_hold_any(self.document.text())
    }

    /// Whether the client wants a stream.
    fn streams(&self) -> bool {
        let stream = self.document.root().get("stream");
        stream.and_then(wire::json::Value::as_bool).unwrap_or(false)
    }
}

/// What the writer of the answer must know of the request.
fn setting_of(turn: &Turn<'_>) -> Setting {
    let settings = &turn.settings;
    Setting {
        summary: settings.summary,
        seal_reasoning: settings.seal_reasoning,
        compact: settings.compact,
        include_usage: settings.include_usage,
        ..Setting::default()
    }
}

/// The same, of a request that was passed on and whose answer must be translated after all.
fn understood(ask: &Ask, parts: Parts) -> Parts {
    let root = ask.document.root();
    let Ok(turn) = ask.dialect.parse(root, &mut Notes::default()) else { return parts };
    let Setting { summary, seal_reasoning, compact, include_usage, .. } = setting_of(&turn);
    let head = match ask.dialect {
        Dialect::Responses if parts.head.echo.is_empty() => {
            Arc::new(parts.head.with_echo(object::echo(root)))
        }
        Dialect::Responses | Dialect::Chat | Dialect::Messages => parts.head,
    };
    let setting = Setting { summary, seal_reasoning, compact, include_usage, ..parts.setting };
    Parts { head, setting, ..parts }
}

fn timeouts(snapshot: &Snapshot) -> Timeouts {
    Timeouts { connect: snapshot.upstream.connect_timeout, idle: snapshot.upstream.idle_timeout }
}

/// The form of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kept {
    Events,
    Whole,
}

/// An answer that is a success and can be read.
async fn succeeded(response: Response, candidate: &Candidate) -> Result<Response, Fault> {
    let (status, coding) = (response.status, response.coding());
    let unread = |coding| format!("the upstream's answer is encoded as `{coding}`, unasked");
    match (status.is_success(), coding) {
        (true, None) => Ok(response),
        (true, Some(coding)) => Err(protocol(&unread(coding))),
        (false, coding) => {
            let text = match &coding {
                // The status says enough where its words break off.
                None => response.body.beginning(MAX_ERROR_BODY, ERROR_PATIENCE).await,
                Some(_) => Bytes::new(),
            };
            let fault = classify::answer(status, &response.headers, &text, &candidate.provider);
            Err(match coding {
                None => fault,
                Some(coding) => {
                    let message = format!("{}; {}", fault.message, unread(coding));
                    Fault { message, ..fault }
                }
            })
        }
    }
}

/// The body of an answer that is a success, and its form. Some servers answer a wish for a stream
/// with a whole answer, and some forget its type.
async fn accepted(
    response: Response,
    candidate: &Candidate,
    streams: bool,
) -> Result<(Kept, Answer), Fault> {
    let Response { headers, mut body, .. } = succeeded(response, candidate).await?;
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default();
    let events = kind.trim().eq_ignore_ascii_case("text/event-stream")
        || streams && body.look(begins_as_events).await? == Some(true);
    Ok((if events { Kept::Events } else { Kept::Whole }, body))
}

/// Whether this is the beginning of a stream; nothing while it cannot be told.
fn begins_as_events(bytes: &[u8]) -> Option<bool> {
    const MARK: &str = "\u{feff}";
    // A comment, and the fields that there are (HTML, 9.2.6).
    const BEGINNINGS: [&str; 5] = [":", "data:", "event:", "id:", "retry:"];
    if MARK.as_bytes().starts_with(bytes) {
        return None;
    }
    let text = bytes.strip_prefix(MARK.as_bytes()).unwrap_or(bytes).trim_ascii_start();
    if BEGINNINGS.iter().any(|known| text.starts_with(known.as_bytes())) {
        return Some(true);
    }
    let may_become = BEGINNINGS.iter().any(|known| known.as_bytes().starts_with(text));
    (!may_become || bytes.len() > MAX_BLANK).then_some(false)
}

fn protocol(why: &str) -> Fault {
    Fault { phase: Phase::Sent, ..Fault::new(Kind::Protocol, why) }
}

/// All of a body as text: an object, or a stream.
async fn whole(body: Answer, candidate: &Candidate) -> Result<String, Fault> {
    let bytes = body.collect(relay::MAX_ANSWER).await?;
    let mut text = String::from_utf8(Vec::from(bytes))
        .map_err(|_| protocol("the upstream's answer is not UTF-8"))?;
    if text.starts_with('\u{feff}') {
        text.remove(0);
    }
    if text.trim_start().starts_with('{') || begins_as_events(text.as_bytes()) == Some(true) {
        return Ok(text);
    }
    Err(classify::refine(no_answer(&text), &candidate.provider))
}

/// The fault of words in place of an answer.
fn no_answer(text: &str) -> Fault {
    let said = said::read_body(200, text);
    let message = match text.trim_start_matches('\u{feff}').trim_start() {
        "" => "the upstream's answer is empty".to_owned(),
        page if page.starts_with('<') => said.message,
        words => {
            let words: String = words.chars().take(MAX_WORDS).collect();
            format!("the upstream answered with something else than an answer: {words}")
        }
    };
    Fault { upstream: said.upstream, ..protocol(&message) }
}

/// Reads a whole answer, which may be a stream of which nobody said that it is one.
fn play(text: &str, mut decoder: Decoder, mut sink: &mut dyn FnMut(wire::turn::Event<'_>)) {
    if text.trim_start().starts_with('{') {
        decoder.answer(text, &mut sink);
        return;
    }
    let mut frames = wire::sse::Decoder::new(relay::MAX_ANSWER);
    let mut push = |frame: wire::sse::Frame<'_>| decoder.push(frame, &mut sink);
    let broken = frames.push(text.as_bytes(), &mut push).and_then(|()| frames.end(&mut push));
    let end = match broken {
        Ok(()) => Ending::Closed,
        Err(broken) => Ending::Broken(protocol(&broken.to_string())),
    };
    decoder.end(end, &mut sink);
}

fn no_endpoint(candidate: &Candidate) -> Fault {
    let text = format!(
        "provider `{0}` has no endpoint; give `[providers.{0}]` a `dialect` and a `base_url`",
        candidate.provider.id
    );
    Fault::new(Kind::BadRequest, text)
}

#[cfg(test)]
mod tests {
    use super::begins_as_events;

    #[test]
    fn a_stream_is_known_by_its_beginning_however_it_is_cut() {
        for (text, expected) in [
            ("data: {}", Some(true)),
            ("\u{feff}\r\n\n event: x", Some(true)),
            (": hello", Some(true)),
            ("id:1", Some(true)),
            ("{\"data:\":1}", Some(false)),
            ("\u{feff} [1]", Some(false)),
            ("<html>", Some(false)),
            ("Internal Server Error: GPU lost", Some(false)),
            ("dat", None),
            ("", None),
            (" \n", None),
        ] {
            assert_eq!(begins_as_events(text.as_bytes()), expected, "{text}");
            for end in 0..text.len() {
                let judged = begins_as_events(&text.as_bytes()[..end]);
                assert!(judged.is_none() || judged == expected, "{end} of {text}");
            }
        }
        assert_eq!(begins_as_events(&[b' '; 10_000]), Some(false));
    }
}
