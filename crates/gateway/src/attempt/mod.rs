//! The one loop: take a candidate, write its request, send it, judge the answer, decide.
//!
//! It knows no web framework; whoever calls it owns the client. Start with [`Gateway::answer`].

mod classify;
mod demo;
mod ledger;
mod next;
mod relay;
mod shared;
mod vault;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use http::{HeaderName, HeaderValue, Request, header};
use wire::answer::{Ending, Head, Setting};
use wire::chat;
use wire::fault::Reader;
use wire::fault::{Fault, Kind, Phase};
use wire::json::{Document, Escaped, SyntaxError};
use wire::note::{Code, Notes};
use wire::responses;
use wire::said;
use wire::turn::Turn;

pub use ledger::Ledger;
pub use relay::{Relay, unix_now};
pub use shared::Shared;
pub use vault::ModelVault;

use crate::buffers;
use crate::catalog::{Dialect, Scheme};
use crate::config::{Origin, Settings, Snapshot};
use crate::route::{Candidate, Route};
use crate::seal::Sealer;
use crate::store::Attempt;
use crate::upstream::{Client, Response, Timeouts};
use next::{Next, Progress, next};

/// How much of an error's body is read.
const MAX_ERROR_BODY: usize = 256 << 10;
/// How long the words of an error are waited for: less than the head of an answer is held.
const ERROR_PATIENCE: Duration = Duration::from_secs(1);

/// What every attempt needs.
#[derive(Debug)]
pub struct Gateway {
    pub client: Client,
    pub sealer: Arc<Sealer>,
    pub shared: Shared,
}

/// One request of a client.
#[derive(Debug)]
pub struct Ask {
    pub document: Body,
    pub route: Route,
    pub snapshot: Arc<Snapshot>,
    pub head: Arc<Head>,
    pub request_id: String,
    /// Who will read the answer.
    pub reader: Reader,
    pub ledger: Ledger,
    /// Receives the notes of each attempt's request as soon as they are known, for a head that goes
    /// out before the answer is over.
    pub early_notes: Arc<Mutex<String>>,
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

impl Gateway {
    /// Gets an answer and brings it to its first generated event.
    ///
    /// # Errors
    /// What the last candidate failed with; nothing has been generated.
    pub async fn answer(self: Arc<Self>, ask: Ask) -> Result<Relay, Fault> {
        let mut notes = Notes::default();
        let mut turn = responses::parse(ask.document.root(), &mut notes)?;
        if let Some(alias) = &ask.route.alias {
            apply(alias, &mut turn, &mut notes);
        }
        let (mut at, mut tries) = (0, 0);
        loop {
            tries += 1;
            let candidate = &ask.route.candidates[at];
            let began = Instant::now();
            let mut notes = notes.clone();
            if candidate.unlisted {
                notes.add(Code::ModelUnlisted, "model");
            }
            if candidate.fallback || at > 0 {
                notes.add(Code::FallbackUsed, "model");
            }
            let mut status = None;
            let done = self.attempt(&ask, candidate, &turn, notes, &mut status).await;
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
            let left = ask.route.candidates.len() - at - 1;
            match next(&fault, Progress { tries, left }) {
                Next::Same => {}
                Next::Other => (at, tries) = (at + 1, 0),
                Next::Stop => return Err(fault),
            }
        }
    }

    /// One try at one candidate.
    async fn attempt(
        &self,
        ask: &Ask,
        candidate: &Candidate,
        turn: &Turn<'_>,
        mut notes: Notes,
        status: &mut Option<u16>,
    ) -> Result<Relay, Fault> {
        let bound_to = candidate.name();
        ask.ledger.note(|exchange| {
            exchange.provider = Some(candidate.provider.id.clone().into());
            exchange.model_used = Some(candidate.model.id.clone().into());
            exchange.dialect_out = Some(Dialect::Chat.name().into());
        });
        let vault = ModelVault::new(Arc::clone(&self.sealer), bound_to);
        let size = ask.document.text().len();
        let out = buffers::take_text(size + size / 8 + 512);
        let target = candidate.target(Dialect::Chat);
        let rendered = chat::render(turn, target, &vault, out, &mut notes)?;
        *ask.early_notes.lock().unwrap_or_else(PoisonError::into_inner) = notes.header();
        let setting = Setting {
            names: rendered.names,
            summary: turn.settings.summary,
            seal_reasoning: turn.settings.seal_reasoning,
            compact: turn.settings.compact,
            include_usage: turn.settings.include_usage,
            refusals_as_text: ask.reader == Reader::Codex,
            whole: !turn.settings.stream,
            request_id: ask.request_id.clone(),
            provider: candidate.provider.id.clone(),
            upstream_model: candidate.model.id.clone(),
            input_estimate: rendered.body.len() as u64 / 4,
        };
        let head = Arc::clone(&ask.head);
        let provider = Arc::clone(&candidate.provider);
        let ledger = ask.ledger.clone();
        let parts = relay::Parts { head, setting, vault, notes, provider, ledger };
        let mut relay = match candidate.provider.endpoint(Dialect::Chat) {
            None if candidate.provider.origin == Origin::BuiltIn => demo::relay(parts, turn),
            None => return Err(wrong_dialect(candidate)),
            Some(url) => {
                let head = head_of(candidate, url.expose().as_str())?;
                let body = buffers::lend(rendered.body.into_bytes());
                let timeouts = Timeouts {
                    connect: ask.snapshot.upstream.connect_timeout,
                    idle: ask.snapshot.upstream.idle_timeout,
                };
                let response = self.client.send(head, body, timeouts).await?;
                *status = Some(response.status.as_u16());
                ask.ledger.first_byte();
                let decoder = chat::Decoder::new(target, &format!("call_{}_", ask.head.stem));
                self.receive(response, candidate, parts, decoder).await?
            }
        };
        relay.wait().await?;
        Ok(relay)
    }

    /// Judges the head of an answer and makes a relay of its body.
    async fn receive(
        &self,
        response: Response,
        candidate: &Candidate,
        parts: relay::Parts,
        mut decoder: chat::Decoder,
    ) -> Result<Relay, Fault> {
        let Response { status, headers, body } = response;
        if !status.is_success() {
            // The status says enough where its words break off.
            let text = body.beginning(MAX_ERROR_BODY, ERROR_PATIENCE).await;
            return Err(classify::answer(status, &headers, &text, &candidate.provider));
        }
        let kind = headers
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        if kind.starts_with("text/event-stream") {
            return Ok(Relay::stream(parts, body, decoder));
        }
        // Some servers answer a wish for a stream with a whole answer, and some forget its type.
        let bytes = body.collect(relay::MAX_ANSWER).await?;
        let protocol = |why: &str| Fault { phase: Phase::Sent, ..Fault::new(Kind::Protocol, why) };
        let text = std::str::from_utf8(&bytes)
            .map_err(|_| protocol("the upstream's answer is not UTF-8"))?;
        if text.trim_start().starts_with('<') {
            let said = said::read_body(status.as_u16(), text);
            return Err(Fault { kind: Kind::Protocol, ..said });
        }
        Ok(Relay::whole(parts, |mut sink| {
            if text.trim_start().starts_with('{') {
                decoder.answer(text, &mut sink);
            } else {
                let mut frames = wire::sse::Decoder::new(relay::MAX_ANSWER);
                let mut push = |frame: wire::sse::Frame<'_>| decoder.push(frame, &mut sink);
                let broken = frames.push(&bytes, &mut push).and_then(|()| frames.end(&mut push));
                let end = match broken {
                    Ok(()) => Ending::Closed,
                    Err(broken) => Ending::Broken(protocol(&broken.to_string())),
                };
                decoder.end(end, &mut sink);
            }
        }))
    }
}

/// The head of a request, signed. The only place where a key is revealed.
fn head_of(candidate: &Candidate, url: &str) -> Result<Request<()>, Fault> {
    let provider = &candidate.provider;
    let broken = |what: &str| {
        Fault::new(Kind::Internal, format!("provider `{}`: its {what} cannot be sent", provider.id))
    };
    let mut head = Request::post(url)
        .header(header::CONTENT_TYPE, "application/json")
        .header(header::ACCEPT, "text/event-stream, application/json")
        .header(header::USER_AGENT, crate::USER_AGENT)
        .body(())
        .map_err(|_| broken("URL"))?;
    for (name, value) in &provider.record.headers {
        let name = HeaderName::try_from(name).map_err(|_| broken("header name"))?;
        head.headers_mut().insert(name, sensitive(value.expose()).ok_or_else(|| broken("header"))?);
    }
    let Some(key) = &provider.key else {
        return match provider.record.auth.optional || provider.record.auth.scheme == Scheme::None {
            true => Ok(head),
            false => Err(missing_key(candidate)),
        };
    };
    match &provider.record.auth.scheme {
        Scheme::Usual | Scheme::Bearer => {
            let value =
                sensitive(&format!("Bearer {}", key.expose())).ok_or_else(|| broken("key"))?;
            head.headers_mut().insert(header::AUTHORIZATION, value);
        }
        Scheme::Header(name) => {
            let name = HeaderName::try_from(name).map_err(|_| broken("header name"))?;
            head.headers_mut().insert(name, sensitive(key.expose()).ok_or_else(|| broken("key"))?);
        }
        Scheme::None => {}
    }
    Ok(head)
}

fn sensitive(value: &str) -> Option<HeaderValue> {
    let mut value = HeaderValue::try_from(value).ok()?;
    value.set_sensitive(true);
    Some(value)
}

fn wrong_dialect(candidate: &Candidate) -> Fault {
    let text = format!(
        "provider `{0}` offers no dialect that quire can translate to yet; give `[providers.{0}]` a `dialect = \"chat\"` endpoint",
        candidate.provider.id
    );
    Fault::new(Kind::BadRequest, text)
}

fn missing_key(candidate: &Candidate) -> Fault {
    let provider = &candidate.provider;
    let variable = provider.record.env.first().map_or("API_KEY", String::as_str);
    Fault::new(
        Kind::Unauthorized,
        format!(
            "provider `{0}` has no key: set `api_key = \"${{{variable}}}\"` in `[providers.{0}]` and that variable",
            provider.id
        ),
    )
}

/// The alias's settings, where the request has none of its own.
fn apply<'a>(alias: &Settings, turn: &mut Turn<'a>, notes: &mut Notes) {
    let settings = &mut turn.settings;
    let mut used = |at: &'static str| notes.add(Code::AliasDefault, at);
    if settings.effort.is_none() && alias.effort.is_some() {
        settings.effort = alias.effort;
        used("reasoning.effort");
    }
    if settings.max_output_tokens.is_none() && alias.max_output_tokens.is_some() {
        settings.max_output_tokens = alias.max_output_tokens;
        used("max_output_tokens");
    }
    if let (None, Some(verbosity)) = (&settings.verbosity, alias.verbosity) {
        settings.verbosity = Some(Escaped::plain(verbosity.name()));
        used("text.verbosity");
    }
    let tiered = settings.shared.iter().any(|(name, _)| *name == "service_tier");
    if alias.fast == Some(true) && !tiered {
        settings.shared.push(("service_tier", "\"priority\""));
        used("service_tier");
    }
}
