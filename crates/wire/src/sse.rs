//! Server-sent events: bytes to frames and frames to bytes.
//!
//! The decoder borrows each frame from the bytes that came in and copies only what a read cut in
//! two. It knows nothing of JSON and never waits: see `push` and `end`. Line ends may be LF, CRLF
//! or CR, as the HTML standard says (section 9.2).

use memchr::memchr2;

/// One event. `data` is the text of its `data:` lines, joined with line feeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// The `event:` field; empty when there was none.
    pub event: &'a str,
    pub data: &'a str,
}

/// Why a stream of frames cannot be read on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// One frame is larger than the limit.
    TooLarge,
    /// A frame is not UTF-8.
    NotUtf8,
}

impl std::fmt::Display for Broken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "an event of the stream is larger than the limit",
            Self::NotUtf8 => "an event of the stream is not UTF-8",
        })
    }
}

impl std::error::Error for Broken {}

/// Reads frames out of bytes that may be cut anywhere.
#[derive(Debug)]
pub struct Decoder {
    limit: usize,
    /// The bytes of a frame that has not ended yet.
    kept: Vec<u8>,
    /// How many of the kept bytes are known to hold no line end.
    searched: usize,
    /// The fields of the frame so far, where its lines were not all in one read.
    fields: Fields,
    started: bool,
}

#[derive(Debug, Default)]
struct Fields {
    event: String,
    data: String,
    lines: usize,
}

impl Decoder {
    /// A decoder that refuses lines, and frames, of more than `limit` bytes.
    pub fn new(limit: usize) -> Self {
        Self { limit, kept: Vec::new(), searched: 0, fields: Fields::default(), started: false }
    }

    /// Takes what was read and hands every frame that is whole to `sink`.
    ///
    /// # Errors
    /// A frame is too large or not UTF-8. The decoder must not be used afterwards.
    pub fn push(&mut self, bytes: &[u8], sink: &mut impl FnMut(Frame<'_>)) -> Result<(), Broken> {
        if self.kept.is_empty() {
            let used = self.lines(bytes, 0, sink)?;
            self.kept.extend_from_slice(&bytes[used..]);
            self.searched = self.kept.len();
        } else {
            let mut kept = std::mem::take(&mut self.kept);
            kept.extend_from_slice(bytes);
            let used = self.lines(&kept, self.searched, sink)?;
            kept.drain(..used);
            self.searched = kept.len();
            self.kept = kept;
        }
        // A CR at the very end may be half of a CRLF: it must be looked at again.
        if self.kept.last() == Some(&b'\r') {
            self.searched -= 1;
        }
        if self.searched > self.limit { Err(Broken::TooLarge) } else { Ok(()) }
    }

    /// Ends the stream. A last frame without its blank line counts, since real servers forget it;
    /// whoever reads its data notices when that was cut.
    ///
    /// # Errors
    /// The last frame is not UTF-8.
    pub fn end(&mut self, sink: &mut impl FnMut(Frame<'_>)) -> Result<(), Broken> {
        let kept = std::mem::take(&mut self.kept);
        let mut rest = kept.strip_suffix(b"\r").unwrap_or(&kept);
        if !self.started {
            rest = rest.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(rest);
        }
        if !rest.is_empty() {
            self.line(rest)?;
        }
        self.dispatch(sink);
        Ok(())
    }

    /// Works through the whole lines of `bytes`, where the first `searched` hold no line end, and
    /// returns how many bytes those lines took.
    fn lines(
        &mut self,
        bytes: &[u8],
        searched: usize,
        sink: &mut impl FnMut(Frame<'_>),
    ) -> Result<usize, Broken> {
        let mut start = 0;
        let mut from = searched;
        while let Some(found) = memchr2(b'\n', b'\r', &bytes[from..]) {
            let end = from + found;
            let after = match (bytes[end], bytes.get(end + 1)) {
                (b'\r', None) => break,
                (b'\r', Some(b'\n')) => end + 2,
                _ => end + 1,
            };
            let mut line = &bytes[start..end];
            // The same line must be too long however it was cut.
            if line.len() > self.limit {
                return Err(Broken::TooLarge);
            }
            if !self.started {
                self.started = true;
                line = line.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(line);
            }
            // The usual frame is one `data:` line and a blank line: no copy.
            let whole = self.fields.lines == 0 && !line.is_empty();
            match (whole, data_of(line), blank_after(bytes, after)) {
                (true, Some(data), Some(next)) => {
                    let data = str::from_utf8(data).map_err(|_| Broken::NotUtf8)?;
                    sink(Frame { event: &self.fields.event, data });
                    self.fields.event.clear();
                    start = next;
                }
                _ => {
                    if line.is_empty() {
                        self.dispatch(sink);
                    } else {
                        self.line(line)?;
                    }
                    start = after;
                }
            }
            from = start;
        }
        Ok(start)
    }

    fn line(&mut self, line: &[u8]) -> Result<(), Broken> {
        if let Some(data) = data_of(line) {
            let data = str::from_utf8(data).map_err(|_| Broken::NotUtf8)?;
            if self.fields.lines > 0 {
                self.fields.data.push('\n');
            }
            self.fields.data.push_str(data);
            self.fields.lines += 1;
            if self.fields.data.len() > self.limit {
                return Err(Broken::TooLarge);
            }
        } else if let Some(event) = field(line, b"event") {
            self.fields.event.clear();
            self.fields.event.push_str(str::from_utf8(event).map_err(|_| Broken::NotUtf8)?);
        }
        // Comments, `id`, `retry` and unknown fields mean nothing here.
        Ok(())
    }

    fn dispatch(&mut self, sink: &mut impl FnMut(Frame<'_>)) {
        if self.fields.lines > 0 {
            sink(Frame { event: &self.fields.event, data: &self.fields.data });
        }
        self.fields.event.clear();
        self.fields.lines = 0;
        // One huge frame must not keep its memory for the rest of a long stream.
        if self.fields.data.capacity() > 64 << 10 {
            self.fields.data = String::new();
        } else {
            self.fields.data.clear();
        }
    }
}

fn data_of(line: &[u8]) -> Option<&[u8]> {
    field(line, b"data")
}

fn field<'a>(line: &'a [u8], name: &[u8]) -> Option<&'a [u8]> {
    let rest = line.strip_prefix(name)?;
    match rest {
        [] => Some(rest),
        [b':', b' ', value @ ..] | [b':', value @ ..] => Some(value),
        _ => None,
    }
}

/// The place after the blank line at `at`, if one is there in full.
fn blank_after(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at..)? {
        [b'\n', ..] => Some(at + 1),
        [b'\r', b'\n', ..] => Some(at + 2),
        [b'\r', _, ..] => Some(at + 1),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn read(parts: &[&[u8]]) -> Result<Vec<(String, String)>, Broken> {
        let (frames, end) = read_within(1 << 20, parts);
        end.map(|()| frames)
    }

    fn read_within(limit: usize, parts: &[&[u8]]) -> (Vec<(String, String)>, Result<(), Broken>) {
        let mut frames = Vec::new();
        let mut sink = |f: Frame<'_>| frames.push((f.event.to_owned(), f.data.to_owned()));
        let mut decoder = Decoder::new(limit);
        let mut end = parts.iter().try_for_each(|part| decoder.push(part, &mut sink));
        if end.is_ok() {
            end = decoder.end(&mut sink);
        }
        (frames, end)
    }

    fn frame(event: &str, data: &str) -> (String, String) {
        (event.to_owned(), data.to_owned())
    }

    #[test]
    fn every_line_end_comment_and_field_is_understood() {
        let text = "\u{feff}event: a\r\ndata: 1\r\n\r\n: hello\nid: 7\ndata:2\ndata: 3\n\ndata\n\nevent: lost\n\nretry: 1\rdata: 4\r\rdata: [DONE]";
        let expected = vec![
            frame("a", "1"),
            frame("", "2\n3"),
            frame("", ""),
            frame("", "4"),
            frame("", "[DONE]"),
        ];
        assert_eq!(read(&[text.as_bytes()]), Ok(expected));
    }

    #[test]
    fn a_frame_over_the_limit_is_refused() {
        let mut decoder = Decoder::new(100);
        let mut none = |_: Frame<'_>| {};
        assert_eq!(decoder.push(&[b'x'; 101], &mut none), Err(Broken::TooLarge));
        let mut decoder = Decoder::new(100);
        let lines = b"data: 0123456789\n".repeat(20);
        assert_eq!(decoder.push(&lines, &mut none), Err(Broken::TooLarge));
    }

    proptest! {
        #[test]
        fn splitting_anywhere_changes_nothing(
            text in "(data: ?[a-zé\u{1f600}]{0,6}|event: [a-z]|:c|\r|\n|\r\n|\n\n|x){0,40}",
            cuts in proptest::collection::vec(any::<prop::sample::Index>(), 0..8),
        ) {
            let bytes = text.as_bytes();
            let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let parts: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(read(&parts), read(&[bytes]));
            let singly: Vec<&[u8]> = bytes.chunks(1).collect();
            prop_assert_eq!(read(&singly), read(&[bytes]));
            prop_assert_eq!(read_within(9, &singly), read_within(9, &[bytes]));
        }

        #[test]
        fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = read(&[&bytes]);
        }
    }
}
