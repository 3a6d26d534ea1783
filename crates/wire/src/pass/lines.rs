//! Where the events of a stream end, without copying them: lines end in LF, CRLF or CR, and a blank
//! line ends an event (HTML standard, 9.2).

use memchr::memchr2;
use std::borrow::Cow;
use std::ops::Range;

/// The byte order mark, in UTF-8.
const MARK: &[u8] = "\u{feff}".as_bytes();

/// One whole event as it lies in a buffer.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Lines {
    /// The value of `event:`, if the event has a name.
    pub(super) event: Range<usize>,
    /// The value of the first `data:` line that is not empty.
    data: Range<usize>,
    /// The values of those that follow it; hardly ever there are any.
    more: Vec<Range<usize>>,
    /// Where the event ends, its blank line included.
    pub(super) end: usize,
}

impl Lines {
    /// The event's data: its lines, joined with line feeds.
    pub(super) fn data<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let first = &bytes[self.data.clone()];
        if self.more.is_empty() {
            return Cow::Borrowed(first);
        }
        let more = self.more.iter().map(|line| &bytes[line.clone()]);
        Cow::Owned(std::iter::once(first).chain(more).collect::<Vec<_>>().join(&b'\n'))
    }

    /// Where in the buffer that lies which has the place `at` in the data.
    pub(super) fn place(&self, at: usize) -> usize {
        let (mut line, mut before) = (&self.data, 0);
        for next in &self.more {
            let after = before + line.len() + 1;
            if at < after {
                break;
            }
            (line, before) = (next, after);
        }
        line.start + (at - before)
    }
}

/// A search for the end of one event, to be gone on with when more bytes are there.
#[derive(Debug, Default)]
pub(super) struct Search {
    found: Lines,
    /// Where the line at hand begins.
    line: usize,
    /// Up to here no line ends.
    seen: usize,
    /// The line at hand is the stream's first, before which a byte order mark may stand.
    opens: bool,
}

impl Search {
    /// The search for the first event of a stream.
    pub(super) fn first() -> Self {
        Self { opens: true, ..Self::default() }
    }

    /// A search that begins at `start`.
    pub(super) fn at(start: usize) -> Self {
        Self { line: start, seen: start, ..Self::default() }
    }

    /// Goes on in `bytes`, which hold what was there before. `last` says that nothing will follow:
    /// then a CR at the very end is a line end.
    pub(super) fn next(&mut self, bytes: &[u8], last: bool) -> Option<Lines> {
        loop {
            let Some(found) = memchr2(b'\n', b'\r', &bytes[self.seen..]) else {
                self.seen = bytes.len();
                return None;
            };
            let end = self.seen + found;
            let after = match (bytes[end], bytes.get(end + 1)) {
                (b'\r', None) if !last => {
                    self.seen = end;
                    return None;
                }
                (b'\r', Some(b'\n')) => end + 2,
                _ => end + 1,
            };
            let mut line = self.line..end;
            if std::mem::take(&mut self.opens) && bytes[line.clone()].starts_with(MARK) {
                line.start += MARK.len();
            }
            (self.line, self.seen) = (after, after);
            if line.is_empty() {
                let found = std::mem::take(&mut self.found);
                return Some(Lines { end: after, ..found });
            }
            if let Some(value) = field(bytes, &line, b"data") {
                if self.found.data.is_empty() {
                    self.found.data = value;
                } else {
                    self.found.more.push(value);
                }
            } else if let Some(value) = field(bytes, &line, b"event") {
                self.found.event = value;
            }
        }
    }

    /// The same search after the first `by` bytes, which it has left behind, are gone.
    pub(super) fn moved(self, by: usize) -> Self {
        // The usual case, and costly where an event has thousands of lines.
        if by == 0 {
            return self;
        }
        // What has not been found yet lies nowhere.
        let back =
            |range: Range<usize>| range.start.saturating_sub(by)..range.end.saturating_sub(by);
        let Lines { event, data, more, end } = self.found;
        let more = more.into_iter().map(back).collect();
        let found = Lines { event: back(event), data: back(data), more, end };
        Self { found, line: self.line - by, seen: self.seen - by, opens: self.opens }
    }
}

fn field(bytes: &[u8], line: &Range<usize>, name: &[u8]) -> Option<Range<usize>> {
    let rest = bytes[line.clone()].strip_prefix(name)?;
    let skipped = match rest {
        [b':', b' ', ..] => 2,
        [b':', ..] => 1,
        _ => return None,
    };
    Some(line.start + name.len() + skipped..line.end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_end_at_blank_lines_of_every_kind() {
        let text =
            b"event: a\r\ndata: {}\r\n\r\n: note\n\ndata:1\rdata:2\r\rdata\ndata: 3\nevent:\n\nrest";
        let mut start = 0;
        let mut seen = Vec::new();
        while let Some(lines) = Search::at(start).next(text, false) {
            let data = lines.data(text).into_owned();
            seen.push((&text[lines.event.clone()], String::from_utf8(data).unwrap(), lines.end));
            start = lines.end;
        }
        let expected: [(&[u8], &str, usize); 4] =
            [(b"a", "{}", 22), (b"", "", 30), (b"", "1\n2", 45), (b"", "3", 66)];
        assert_eq!(seen, expected.map(|(event, data, end)| (event, data.to_owned(), end)));
    }

    #[test]
    fn a_search_goes_on_where_it_stopped() {
        let text = b"event: x\r\ndata: 12345\r\n\r\nmore";
        for cut in 0..25 {
            let mut search = Search::at(0);
            let early = search.next(&text[..cut], false);
            let lines = early.or_else(|| search.next(text, false)).expect("it ends");
            assert_eq!(*lines.data(text), *b"12345", "{cut}");
            assert_eq!(lines.end, 25, "{cut}");
        }
    }

    #[test]
    fn the_places_of_joined_data_are_those_of_its_lines() {
        let text = b"data: ab\nid: 7\ndata:\r\ndata: cd\n\n";
        let lines = Search::at(0).next(text, false).expect("it ends");
        let data = lines.data(text);
        assert_eq!(*data, *b"ab\n\ncd");
        for (at, byte) in data.iter().enumerate().filter(|(_, byte)| **byte != b'\n') {
            assert_eq!(text[lines.place(at)], *byte, "{at}");
        }
    }
}
