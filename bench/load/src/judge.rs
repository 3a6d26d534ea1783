//! Whether an answer is what was asked for: a stream of Responses or Messages with the right number of deltas and
//! one terminal event, or a whole object. On the way it notes how long each delta travelled.

use bench_raw::stamp;
use memchr::memchr;

use crate::histogram::Histogram;

/// What a workload's answer must be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Expected {
    Whole,
    Stream { deltas: u32 },
}

/// Judges one answer.
#[derive(Debug)]
pub(crate) struct Judge {
    expected: Expected,
    /// A line whose end has not come; of a whole answer: everything.
    held: Vec<u8>,
    event: Event,
    deltas: u32,
    completed: u32,
    failed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Event {
    Delta,
    Other,
}

impl Judge {
    pub(crate) fn new(expected: Expected) -> Self {
        Self {
            expected,
            held: Vec::new(),
            event: Event::Other,
            deltas: 0,
            completed: 0,
            failed: false,
        }
    }

    pub(crate) fn has_delta(&self) -> bool {
        self.deltas > 0
    }

    /// Takes payload that was read at `now`.
    pub(crate) fn push(&mut self, mut payload: &[u8], now: u64, delay: &mut Histogram) {
        if self.expected == Expected::Whole {
            self.held.extend_from_slice(payload);
            return;
        }
        while let Some(end) = memchr(b'\n', payload) {
            let (line, rest) = payload.split_at(end);
            payload = &rest[1..];
            if self.held.is_empty() {
                self.line(line, now, delay);
            } else {
                let mut whole = std::mem::take(&mut self.held);
                whole.extend_from_slice(line);
                self.line(&whole, now, delay);
            }
        }
        self.held.extend_from_slice(payload);
    }

    fn line(&mut self, line: &[u8], now: u64, delay: &mut Histogram) {
        if let Some(kind) = line.strip_prefix(b"event: ") {
            self.event = match kind.trim_ascii_end() {
                b"response.output_text.delta" | b"content_block_delta" => Event::Delta,
                b"response.completed" | b"message_stop" => {
                    self.completed += 1;
                    Event::Other
                }
                b"response.failed" | b"response.incomplete" | b"error" => {
                    self.failed = true;
                    Event::Other
                }
                _ => Event::Other,
            };
        } else if self.event == Event::Delta && line.starts_with(b"data: ") {
            for sent in stamp::read(line) {
                delay.record(now.saturating_sub(sent));
                self.deltas += 1;
            }
        }
    }

    /// The verdict at the end of the body: nothing, or what is wrong.
    pub(crate) fn finish(&self) -> Result<(), String> {
        match self.expected {
            Expected::Whole => {
                let has = |needle: &[u8]| memchr::memmem::find(&self.held, needle).is_some();
                if has(b"\"completed\"") && stamp::read(&self.held).count() == 1 {
                    Ok(())
                } else {
                    Err(format!("not a completed response: {}", start(&self.held)))
                }
            }
            Expected::Stream { .. } if self.failed => Err("the stream failed".to_owned()),
            Expected::Stream { deltas } if (self.deltas, self.completed) == (deltas, 1) => Ok(()),
            Expected::Stream { deltas } => Err(format!(
                "{} of {deltas} deltas and {} terminal events",
                self.deltas, self.completed
            )),
        }
    }
}

/// The first characters of an answer, for a message.
pub(crate) fn start(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(200)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::{Expected, Judge};
    use crate::histogram::Histogram;
    use bench_raw::stamp::render;

    fn stream(deltas: usize, ending: &str) -> Vec<u8> {
        let mut text = String::new();
        for number in 0..deltas {
            let stamp = String::from_utf8(render(number as u64).to_vec()).unwrap();
            text.push_str(&format!(
                "event: response.output_text.delta\ndata: {{\"delta\":\"{stamp} tok\"}}\n\n"
            ));
        }
        text.push_str(&format!("event: {ending}\ndata: {{\"text\":\"@000000000000000000\"}}\n\n"));
        text.into_bytes()
    }

    fn verdict(bytes: &[u8], cut: usize) -> Result<(), String> {
        let mut judge = Judge::new(Expected::Stream { deltas: 3 });
        let mut delay = Histogram::default();
        judge.push(&bytes[..cut], 9, &mut delay);
        judge.push(&bytes[cut..], 9, &mut delay);
        judge.finish()
    }

    #[test]
    fn a_complete_stream_passes_however_it_is_cut() {
        let bytes = stream(3, "response.completed");
        for cut in 0..bytes.len() {
            assert_eq!(verdict(&bytes, cut), Ok(()));
        }
        let messages = String::from_utf8(stream(3, "message_stop")).unwrap();
        let messages = messages.replace("response.output_text.delta", "content_block_delta");
        assert_eq!(verdict(messages.as_bytes(), 40), Ok(()));
    }

    #[test]
    fn a_missing_delta_or_ending_is_seen() {
        for bytes in [
            stream(2, "response.completed"),
            stream(4, "response.completed"),
            stream(3, "response.failed"),
            stream(3, "response.output_text.done"),
            stream(3, "content_block_stop"),
        ] {
            assert!(verdict(&bytes, 10).is_err());
        }
    }

    #[test]
    fn a_whole_answer_must_be_completed_and_carry_its_text() {
        for (body, good) in [
            ("{\"status\":\"completed\",\"text\":\"@000000000000000042 x\"}", true),
            ("{\"status\":\"completed\",\"text\":\"x\"}", false),
            ("{\"error\":{\"message\":\"@000000000000000042\"}}", false),
        ] {
            let mut judge = Judge::new(Expected::Whole);
            judge.push(body.as_bytes(), 0, &mut Histogram::default());
            assert_eq!(judge.finish().is_ok(), good, "{body}");
        }
    }
}
