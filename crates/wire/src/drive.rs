//! The two translations from end to end, in memory: what the laws, the corpus, the fuzz targets
//! and the benches drive. The gateway has its own driver, which also waits, counts and decides.

pub mod messages;

use crate::answer::{Ending, Head, Setting};
use crate::chat::{self, Decoder};
use crate::fault::{Fault, Kind, Phase};
use crate::json::Document;
use crate::names::Names;
use crate::note::Notes;
use crate::responses::{self, Encoder, object};
use crate::sse;
use crate::target::Target;
use crate::turn::{Event, Opened, Sealed, Summary, Usage, Vault};
use std::sync::Arc;
use std::sync::atomic::AtomicU64;

/// The second in which driven answers begin and end.
pub const NOW: u64 = 1_700_000_000;
/// The largest frame that driven streams may have.
pub const MAX_FRAME: usize = 1 << 20;

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
#[derive(Clone, Debug, Default)]
pub struct Sent {
    pub body: String,
    pub names: Names,
    pub notes: Notes,
    pub summary: Summary,
    pub seal_reasoning: bool,
    pub compact: bool,
    pub stream: bool,
    pub echo: String,
    pub model: String,
}

/// A Responses request to a Chat request.
///
/// # Errors
/// The body is not JSON, or the request is refused.
pub fn request(body: &str, target: &Target) -> Result<Sent, Fault> {
    let mut document = Document::parse(body.to_owned())
        .map_err(|error| Fault::bad_request("", error.to_string()))?;
    document.mend();
    let mut notes = Notes::default();
    let turn = responses::parse(document.root(), &mut notes)?;
    let rendered = chat::render(&turn, target, &ClearVault, String::new(), &mut notes)?;
    let model =
        document.root().get("model").and_then(|model| Some(model.as_str()?.text().into_owned()));
    Ok(Sent {
        body: rendered.body,
        names: rendered.names,
        notes,
        summary: turn.settings.summary,
        seal_reasoning: turn.settings.seal_reasoning,
        compact: turn.settings.compact,
        stream: turn.settings.stream,
        echo: object::echo(document.root()),
        model: model.unwrap_or_default(),
    })
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
    let mut frames = sse::Decoder::new(MAX_FRAME);
    let mut decoder = Decoder::new(target, "call_t_");
    let mut broken = None;
    {
        let mut frame =
            |frame: sse::Frame<'_>| decoder.push(frame, &mut |event| writer.event(event));
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
    decoder.end(ending, &mut |event| writer.event(event));
    writer.answer()
}

/// The answer to `sent` that arrives in one piece.
pub fn whole(body: &str, sent: &Sent, target: &Target) -> Answer {
    let mut writer = Writer::new(sent);
    Decoder::new(target, "call_t_").answer(body, &mut |event| writer.event(event));
    writer.answer()
}

pub(crate) struct Writer {
    encoder: Encoder<ClearVault>,
    events: String,
}

impl Writer {
    pub(crate) fn new(sent: &Sent) -> Self {
        let head = Arc::new(Head {
            stem: "t".to_owned(),
            created_at: NOW,
            model: sent.model.clone(),
            echo: sent.echo.as_str().into(),
            sequence: AtomicU64::new(0),
        });
        let mut events = String::new();
        responses::encode::begin(&head, &mut events);
        let setting = Setting {
            names: sent.names.clone(),
            summary: sent.summary,
            seal_reasoning: sent.seal_reasoning,
            compact: sent.compact,
            include_usage: false,
            refusals_as_text: false,
            whole: true,
            request_id: "req_t".to_owned(),
            provider: "test".to_owned(),
            upstream_model: "m".to_owned(),
            input_estimate: (sent.body.len() / 4) as u64,
        };
        Self { encoder: Encoder::new(head, setting, ClearVault, sent.notes.clone()), events }
    }

    pub(crate) fn event(&mut self, event: Event<'_>) {
        self.encoder.push(event, NOW, &mut self.events);
    }

    pub(crate) fn answer(mut self) -> Answer {
        let (usage, notes) = (self.encoder.usage(), self.encoder.notes().clone());
        Answer { events: self.events, object: self.encoder.take_object(), usage, notes }
    }
}

/// Targets that between them reach every branch of both translations.
fn extremes() -> [Target; 3] {
    use crate::target::{MaxTokens, Quirk, Replay, Structured, ToolChoices};
    let poor = ToolChoices { none: false, required: false, named: false };
    [
        Target::default(),
        Target {
            images: true,
            files: true,
            developer_role: true,
            max_tokens: MaxTokens::Completion,
            structured: Structured::Schema,
            strict_tools: true,
            replay: Replay::ReasoningContent,
            quirks: vec![Quirk::ThinkTags, Quirk::ContentRequired, Quirk::PlainRefs],
            ..Target::default()
        },
        Target {
            late_system: false,
            structured: Structured::Object,
            tool_choice: poor,
            max_tools: Some(2),
            replay: Replay::ReasoningDetails,
            quirks: vec![Quirk::CumulativeReasoning],
            ..Target::default()
        },
    ]
}

/// What every kind of target is sent for this body: nothing where it is refused. Whoever calls
/// this checks that each is JSON.
pub fn bodies(body: &[u8]) -> Vec<String> {
    let Ok(body) = str::from_utf8(body) else { return Vec::new() };
    let sent = extremes().into_iter().filter_map(|target| request(body, &target).ok());
    sent.map(|sent| sent.body).collect()
}

/// Whether these bytes, as a stream and as a whole answer of every kind of target, end once, keep
/// the frame of server-sent events, and say the same however they are cut.
///
/// # Errors
/// What is wrong.
pub fn ends_once(bytes: &[u8]) -> Result<(), String> {
    let asked = r#"{"model":"m","stream":true,"input":"x","include":["reasoning.encrypted_content"],"tools":[{"type":"function","name":"f"},{"type":"custom","name":"c"},{"type":"tool_search"},{"type":"local_shell"}]}"#;
    for (index, target) in extremes().into_iter().enumerate() {
        let mut sent = request(asked, &target).map_err(|fault| fault.to_string())?;
        sent.compact = index == 2 && bytes.first() == Some(&b' ');
        let whole = stream([bytes], Ending::Closed, &sent, &target);
        let middle = bytes.len() / 2;
        for size in [1, 7, middle.max(1)] {
            let split = stream(bytes.chunks(size), Ending::Closed, &sent, &target);
            if split != whole {
                return Err(format!(
                    "pieces of {size} bytes say something else:\n{}\n{}",
                    split.events, whole.events
                ));
            }
        }
        let text = String::from_utf8_lossy(bytes);
        for answer in [whole, self::whole(&text, &sent, &target)] {
            one_end(&answer)?;
        }
    }
    Ok(())
}

/// Whether an answer ends once and keeps the frame of server-sent events.
pub(crate) fn one_end(answer: &Answer) -> Result<(), String> {
    let mut ends = 0;
    for line in answer.events.split('\n') {
        match line.split_once(": ") {
            Some(("event", "response.completed" | "response.incomplete" | "response.failed")) => {
                ends += 1;
            }
            Some(("event" | "data", _)) => {}
            _ if line.is_empty() => {}
            _ => return Err(format!("a line that is no field: {line}")),
        }
    }
    if ends != 1 || !answer.events.ends_with("data: [DONE]\n\n") {
        return Err(format!("{ends} ends:\n{}", answer.events));
    }
    Ok(())
}
