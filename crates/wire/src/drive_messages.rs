//! The Messages dialect towards upstreams from end to end, in memory: what its laws, its corpus and
//! its benches drive. The client speaks Responses.

use crate::answer::Ending;
use crate::dialect::Dialect;
use crate::drive::{Answer, ClearVault, MAX_FRAME, Sent, Writer, one_end};
use crate::fault::{Fault, Kind, Phase};
use crate::json::Document;
use crate::messages::{self, Decoder};
use crate::note::Notes;
use crate::responses::{self, object};
use crate::sse;
use crate::target::{Structured, Target};
use crate::turn::Event;

/// A Responses request to a Messages request.
///
/// # Errors
/// The body is not JSON, or the request is refused.
pub fn request(body: &str, target: &Target) -> Result<Sent, Fault> {
    let mut document = Document::parse(body.to_owned())
        .map_err(|error| Fault::bad_request("", error.to_string()))?;
    document.mend();
    let mut notes = Notes::default();
    let turn = responses::parse(document.root(), &mut notes)?;
    let rendered = messages::render(&turn, target, &ClearVault, String::new(), &mut notes)?;
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

/// What happens in a stream that arrives in these pieces and then ends in this way.
pub fn events<'p>(
    pieces: impl IntoIterator<Item = &'p [u8]>,
    ending: Ending,
    target: &Target,
    sink: &mut impl FnMut(Event<'_>),
) {
    let mut frames = sse::Decoder::new(MAX_FRAME);
    let mut decoder = Decoder::new(target, "call_t_");
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

/// The answer to `sent` whose stream arrives in these pieces and then ends in this way.
pub fn stream<'p>(
    pieces: impl IntoIterator<Item = &'p [u8]>,
    ending: Ending,
    sent: &Sent,
    target: &Target,
) -> Answer {
    let mut writer = Writer::new(sent);
    events(pieces, ending, target, &mut |event| writer.event(event));
    writer.answer()
}

/// The answer to `sent` that arrives in one piece.
pub fn whole(body: &str, sent: &Sent, target: &Target) -> Answer {
    let mut writer = Writer::new(sent);
    Decoder::new(target, "call_t_").answer(body, &mut |event| writer.event(event));
    writer.answer()
}

/// Targets that between them reach every branch of the writer of requests.
fn extremes() -> [Target; 2] {
    let careful = Target::careful(Dialect::Messages);
    let mut generous = Target {
        images: true,
        tool_images: true,
        files: true,
        late_system: true,
        structured: Structured::Schema,
        strict_tools: true,
        web_search: true,
        unsigned_thinking: true,
        ..careful.clone()
    };
    let more = ["service_tier", "user", "safety_identifier", "cache_control"];
    generous.accepts.extend(more.map(str::to_owned));
    [careful, generous]
}

/// What every kind of target is sent for this body: nothing where it is refused. Whoever calls
/// this checks that each is JSON.
pub fn bodies(body: &[u8]) -> Vec<String> {
    let Ok(body) = str::from_utf8(body) else { return Vec::new() };
    let sent = extremes().into_iter().filter_map(|target| request(body, &target).ok());
    sent.map(|sent| sent.body).collect()
}

/// Whether these bytes, as a stream and as a whole answer, end once, keep the frame of server-sent
/// events, and say the same however they are cut.
///
/// # Errors
/// What is wrong.
pub fn ends_once(bytes: &[u8]) -> Result<(), String> {
    let asked = r#"{"model":"m","stream":true,"input":"x","include":["reasoning.encrypted_content"],"tools":[{"type":"function","name":"f"},{"type":"custom","name":"c"},{"type":"tool_search"},{"type":"local_shell"}]}"#;
    let [target, _] = extremes();
    let sent = request(asked, &target).map_err(|fault| fault.to_string())?;
    let whole = stream([bytes], Ending::Closed, &sent, &target);
    for size in [1, 7, (bytes.len() / 2).max(1)] {
        let split = stream(bytes.chunks(size), Ending::Closed, &sent, &target);
        if split != whole {
            return Err(format!(
                "pieces of {size} bytes say something else:\n{}\n{}",
                split.events, whole.events
            ));
        }
    }
    one_end(&whole)?;
    one_end(&self::whole(&String::from_utf8_lossy(bytes), &sent, &target))
}
