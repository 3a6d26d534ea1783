//! The translations from end to end, in memory, between any two dialects: what the laws, the corpus,
//! the fuzz targets and the benches drive. The gateway has its own driver, which also waits, counts
//! and decides. What must hold for any bytes is in [`laws`].

pub mod laws;

use crate::answer::{Ending, Head, Setting};
use crate::dialect::{Decoder, Dialect, Encoder};
use crate::fault::{Fault, Kind, Phase};
use crate::json::Document;
use crate::names::Names;
use crate::note::Notes;
use crate::responses::object;
use crate::sse;
use crate::target::Target;
use crate::turn::{Event, Opened, Sealed, Summary, Usage, Vault};
use std::sync::Arc;

/// The second in which driven answers begin and end.
pub const NOW: u64 = 1_700_000_000;
/// The largest frame that driven streams may have.
pub const MAX_FRAME: usize = 1 << 20;
/// What the ids of calls begin with that came without one.
const CALL_STEM: &str = "call_t_";

/// A vault that hides nothing, so that what is sealed can be read in a test.
#[derive(Clone, Copy, Debug)]
pub struct ClearVault;

impl ClearVault {
    const fn word(what: Sealed) -> &'static str {
        match what {
            Sealed::Reasoning => "sealed-reasoning:",
            Sealed::Compaction => "sealed-compaction:",
        }
    }
}

impl Vault for ClearVault {
    fn seal(&self, what: Sealed, plain: &str) -> String {
        format!("{}{plain}", Self::word(what))
    }

    fn open(&self, what: Sealed, sealed: &str) -> Opened {
        match sealed.strip_prefix(Self::word(what)) {
            Some(plain) => Opened::Text(plain.to_owned()),
            None => Opened::Foreign,
        }
    }
}

/// A request on its way to the upstream, and what its answer needs to know of it.
#[derive(Clone, Debug)]
pub struct Sent {
    pub client: Dialect,
    pub upstream: Dialect,
    pub body: String,
    pub names: Names,
    pub notes: Notes,
    pub summary: Summary,
    pub seal_reasoning: bool,
    pub compact: bool,
    pub stream: bool,
    pub include_usage: bool,
    pub echo: String,
    pub model: String,
}

/// A client's request as the upstream gets it.
///
/// # Errors
/// The body is not JSON, or the request is refused.
pub fn request(
    body: &str,
    client: Dialect,
    upstream: Dialect,
    target: &Target,
) -> Result<Sent, Fault> {
    let mut document = Document::parse(body.to_owned())
        .map_err(|error| Fault::bad_request("", error.to_string()))?;
    document.mend();
    let root = document.root();
    let mut notes = Notes::default();
    let turn = client.parse(root, &mut notes)?;
    let rendered = upstream.render(&turn, target, &ClearVault, String::new(), &mut notes)?;
    let model = root.get("model").and_then(|model| Some(model.as_str()?.text().into_owned()));
    Ok(Sent {
        client,
        upstream,
        body: rendered.body,
        names: rendered.names,
        notes,
        summary: turn.settings.summary,
        seal_reasoning: turn.settings.seal_reasoning,
        compact: turn.settings.compact,
        stream: turn.settings.stream,
        include_usage: turn.settings.include_usage,
        echo: match client {
            Dialect::Responses => object::echo(root),
            Dialect::Chat | Dialect::Messages => String::new(),
        },
        model: model.unwrap_or_default(),
    })
}

/// What happens in an upstream's stream that arrives in these pieces and then ends in this way.
pub fn events<'p>(
    pieces: impl IntoIterator<Item = &'p [u8]>,
    ending: Ending,
    upstream: Dialect,
    target: &Target,
    sink: &mut impl FnMut(Event<'_>),
) {
    let mut frames = sse::Decoder::new(MAX_FRAME);
    let mut decoder = Decoder::new(upstream, target, CALL_STEM);
    let mut broken = None;
    {
        let mut frame = |frame: sse::Frame<'_>| decoder.push(frame, sink);
        for piece in pieces {
            broken = frames.push(piece, &mut frame).err();
            if broken.is_some() {
                break;
            }
        }
        if broken.is_none() && ending == Ending::Closed {
            broken = frames.end(&mut frame).err();
        }
    }
    let ending = match broken {
        Some(broken) => Ending::Broken(Fault {
            phase: Phase::Sent,
            ..Fault::new(Kind::Protocol, broken.to_string())
        }),
        None => ending,
    };
    decoder.end(ending, sink);
}

/// An answer as the client gets it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// The stream.
    pub events: String,
    /// The whole object.
    pub object: String,
    pub usage: Option<Usage>,
    pub notes: Notes,
}

/// The answer to `sent` whose stream arrives in these pieces and then ends in this way.
pub fn stream<'p>(
    pieces: impl IntoIterator<Item = &'p [u8]>,
    ending: Ending,
    sent: &Sent,
    target: &Target,
) -> Answer {
    let mut writer = Writer::new(sent);
    events(pieces, ending, sent.upstream, target, &mut |event| writer.event(event));
    writer.answer()
}

/// The answer to `sent` that arrives in one piece.
pub fn whole(body: &str, sent: &Sent, target: &Target) -> Answer {
    let mut writer = Writer::new(sent);
    let mut decoder = Decoder::new(sent.upstream, target, CALL_STEM);
    decoder.answer(body, &mut |event| writer.event(event));
    writer.answer()
}

/// The answer to `sent` that these events make, whoever they come from.
pub fn written<'e>(events: impl IntoIterator<Item = Event<'e>>, sent: &Sent) -> Answer {
    let mut writer = Writer::new(sent);
    events.into_iter().for_each(|event| writer.event(event));
    writer.answer()
}

struct Writer {
    encoder: Encoder<ClearVault>,
    events: String,
}

impl Writer {
    fn new(sent: &Sent) -> Self {
        let head = Arc::new(Head {
            stem: "t".to_owned(),
            created_at: NOW,
            model: sent.model.clone(),
            echo: sent.echo.as_str().into(),
            ..Head::default()
        });
        let mut events = String::new();
        sent.client.begin(&head, &mut events);
        let setting = Setting {
            names: sent.names.clone(),
            summary: sent.summary,
            seal_reasoning: sent.seal_reasoning,
            compact: sent.compact,
            include_usage: sent.include_usage,
            for_codex: false,
            whole: true,
            request_id: "req_t".to_owned(),
            provider: "test".to_owned(),
            upstream_model: "m".to_owned(),
            input_estimate: (sent.body.len() / 4) as u64,
        };
        let encoder = Encoder::new(sent.client, head, setting, ClearVault, sent.notes.clone());
        Self { encoder, events }
    }

    fn event(&mut self, event: Event<'_>) {
        self.encoder.push(event, NOW, &mut self.events);
    }

    fn answer(mut self) -> Answer {
        let (usage, notes) = (self.encoder.usage(), self.encoder.notes().clone());
        Answer { events: self.events, object: self.encoder.take_object(), usage, notes }
    }
}
