//! The prepared answers: every byte is rendered once at start, only the time stamps are written
//! anew for each request. A stream carries one event per HTTP chunk, as real model servers send.

use std::time::Duration;

use bench_raw::stamp::{BLANK, LEN, render};

use crate::dialect::{Chat, Dialect, Messages, Responses};

/// One answer, as the writes that it is sent in.
#[derive(Debug)]
pub(crate) struct Script {
    pub(crate) writes: Vec<Part>,
    /// Time between writes; none: all at once.
    pub(crate) pace: Option<Duration>,
}

/// Bytes of one write, with the places of the stamps in it.
#[derive(Debug)]
pub(crate) struct Part {
    bytes: Vec<u8>,
    stamps: Vec<usize>,
}

impl Part {
    /// The bytes, stamped with this time, in a buffer that is used again.
    pub(crate) fn stamped<'a>(&self, now: u64, buffer: &'a mut Vec<u8>) -> &'a [u8] {
        let stamp = render(now);
        buffer.clear();
        buffer.extend_from_slice(&self.bytes);
        for at in &self.stamps {
            buffer[*at..*at + LEN].copy_from_slice(&stamp);
        }
        buffer
    }
}

/// What the last letter of the model's name asks for.
struct Shape {
    letter: u8,
    deltas: usize,
    /// Deltas that go out in one write.
    batch: usize,
    pace: Option<Duration>,
}

const SHAPES: [Shape; 4] = [
    // Four writes for two hundred events: a fast server's output as TCP delivers it.
    Shape { letter: b'b', deltas: 200, batch: 50, pace: None },
    Shape { letter: b'c', deltas: 20, batch: 20, pace: None },
    Shape { letter: b'd', deltas: 10, batch: 1, pace: Some(Duration::from_secs(1)) },
    Shape { letter: b'p', deltas: 100, batch: 1, pace: Some(Duration::from_millis(10)) },
];

/// All answers, found by dialect and letter.
#[derive(Debug)]
pub(crate) struct Library {
    chat: Vec<(u8, Script)>,
    responses: Vec<(u8, Script)>,
    messages: Vec<(u8, Script)>,
}

impl Library {
    pub(crate) fn new() -> Self {
        Self { chat: shelf(&Chat), responses: shelf(&Responses), messages: shelf(&Messages) }
    }

    /// The answer to a request on this path for the model whose name ends in this letter.
    pub(crate) fn find(&self, path: &[u8], letter: u8) -> Option<&Script> {
        let shelf = if path.ends_with(b"/chat/completions") {
            &self.chat
        } else if path.ends_with(b"/responses") {
            &self.responses
        } else if path.ends_with(b"/messages") {
            &self.messages
        } else {
            return None;
        };
        shelf.iter().find(|(name, _)| *name == letter).map(|(_, script)| script)
    }
}

fn shelf(dialect: &dyn Dialect) -> Vec<(u8, Script)> {
    let mut shelf: Vec<_> =
        SHAPES.iter().map(|shape| (shape.letter, stream(dialect, shape))).collect();
    shelf.push((b'a', whole(dialect)));
    shelf
}

fn whole(dialect: &dyn Dialect) -> Script {
    let filler = "the answer goes on and on ".repeat(24);
    let body = dialect.whole("bench-a", &format!("{BLANK} {filler}"));
    let head = format!(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len()
    );
    let mut part = Part { bytes: head.into_bytes(), stamps: Vec::new() };
    part.stamps.push(part.bytes.len() + place(&body));
    part.bytes.extend_from_slice(body.as_bytes());
    Script { writes: vec![part], pace: None }
}

fn stream(dialect: &dyn Dialect, shape: &Shape) -> Script {
    let model = format!("bench-{}", char::from(shape.letter));
    let text = format!("{BLANK} tok ");
    let mut writes = Vec::new();
    let mut part = Part {
        bytes: b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\
                 cache-control: no-cache\r\ntransfer-encoding: chunked\r\n\r\n"
            .to_vec(),
        stamps: Vec::new(),
    };
    for event in dialect.opening(&model) {
        push_chunk(&mut part, &event, false);
    }
    for number in 0..shape.deltas {
        push_chunk(&mut part, &dialect.delta(&model, &text, number), true);
        if (number + 1) % shape.batch == 0 && number + 1 < shape.deltas {
            writes
                .push(std::mem::replace(&mut part, Part { bytes: Vec::new(), stamps: Vec::new() }));
        }
    }
    // The closing events repeat the text with blank stamps: nobody on the way compares them.
    for event in dialect.closing(&model, &text.repeat(shape.deltas), shape.deltas) {
        push_chunk(&mut part, &event, false);
    }
    part.bytes.extend_from_slice(b"0\r\n\r\n");
    writes.push(part);
    Script { writes, pace: shape.pace }
}

fn push_chunk(part: &mut Part, event: &str, stamped: bool) {
    part.bytes.extend_from_slice(format!("{:x}\r\n", event.len()).as_bytes());
    if stamped {
        part.stamps.push(part.bytes.len() + place(event));
    }
    part.bytes.extend_from_slice(event.as_bytes());
    part.bytes.extend_from_slice(b"\r\n");
}

fn place(text: &str) -> usize {
    text.find(BLANK).expect("a stamped text has room for its stamp")
}

#[cfg(test)]
mod tests {
    use super::Library;
    use bench_raw::http::{Body, head};
    use bench_raw::stamp;

    fn payload(path: &[u8], letter: u8) -> (Vec<u8>, usize) {
        let library = Library::new();
        let script = library.find(path, letter).unwrap();
        let mut bytes = Vec::new();
        for part in &script.writes {
            bytes.extend_from_slice(part.stamped(42, &mut Vec::new()));
        }
        let head = head(&bytes).unwrap();
        let mut body = Body::new(head.framing);
        let mut input = &bytes[head.len..];
        let mut payload = Vec::new();
        while let Some(span) = body.next(&mut input) {
            payload.extend_from_slice(span);
        }
        assert!(body.is_done() && input.is_empty());
        (payload, script.writes.len())
    }

    #[test]
    fn a_chat_stream_has_every_delta_stamped_and_ends_with_done() {
        let (payload, writes) = payload(b"/v1/chat/completions", b'b');
        assert_eq!(stamp::read(&payload).collect::<Vec<_>>(), [42; 200]);
        assert!(payload.ends_with(b"data: [DONE]\n\n"));
        assert_eq!(writes, 4);
    }

    #[test]
    fn a_responses_stream_has_every_delta_stamped_and_is_completed() {
        let (payload, writes) = payload(b"/v1/responses", b'd');
        assert_eq!(stamp::read(&payload).filter(|time| *time == 42).count(), 10);
        assert!(String::from_utf8(payload).unwrap().contains("event: response.completed\n"));
        assert_eq!(writes, 10);
    }

    #[test]
    fn whole_answers_are_about_one_kilobyte() {
        for path in [&b"/v1/chat/completions"[..], b"/v1/responses"] {
            let (payload, _) = payload(path, b'a');
            assert!((900..1600).contains(&payload.len()), "{}", payload.len());
        }
    }
}
