//! Server-sent events as the HTML standard parses them, written apart from the gateway's own
//! parser so that the two can be compared. It takes bytes in any pieces and does no I/O.

/// One event.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Event {
    /// The value of `event:`, where there was one.
    pub name: Option<String>,
    /// The values of `data:`, joined by newlines.
    pub data: String,
    /// The value of `id:`, where there was one.
    pub id: Option<String>,
}

/// An event, or a comment line without its colon and its one space.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Frame {
    Event(Event),
    Comment(String),
}

/// Turns bytes into frames.
#[derive(Clone, Debug, Default)]
pub struct Parser {
    line: Vec<u8>,
    event: Event,
    has_data: bool,
    after_return: bool,
}

impl Parser {
    /// The frames that these bytes complete.
    pub fn push(&mut self, bytes: &[u8]) -> Vec<Frame> {
        let mut frames = Vec::new();
        for &byte in bytes {
            let second_half = byte == b'\n' && std::mem::take(&mut self.after_return);
            self.after_return = byte == b'\r';
            match byte {
                _ if second_half => {}
                b'\n' | b'\r' => frames.extend(self.end_line()),
                byte => self.line.push(byte),
            }
        }
        frames
    }

    /// Whether bytes are waiting that belong to no finished event: the stream was cut.
    pub fn is_inside_event(&self) -> bool {
        self.has_data || self.event.name.is_some() || !self.line.is_empty()
    }

    fn end_line(&mut self) -> Option<Frame> {
        let line = String::from_utf8_lossy(&std::mem::take(&mut self.line)).into_owned();
        if line.is_empty() {
            let event = std::mem::take(&mut self.event);
            return std::mem::take(&mut self.has_data).then_some(Frame::Event(event));
        }
        let (field, value) = line.split_once(':').unwrap_or((&line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => return Some(Frame::Comment(value.to_owned())),
            "data" => {
                if std::mem::replace(&mut self.has_data, true) {
                    self.event.data.push('\n');
                }
                self.event.data.push_str(value);
            }
            "event" => self.event.name = Some(value.to_owned()),
            "id" => self.event.id = Some(value.to_owned()),
            _ => {}
        }
        None
    }
}

/// The events of a whole stream; comments and an unfinished last event are left out.
pub fn parse(bytes: impl AsRef<[u8]>) -> Vec<Event> {
    let frames = Parser::default().push(bytes.as_ref());
    frames
        .into_iter()
        .filter_map(|frame| match frame {
            Frame::Event(event) => Some(event),
            Frame::Comment(_) => None,
        })
        .collect()
}

/// The `data` of each event as JSON, `[DONE]` left out.
///
/// # Panics
/// When the data of an event is not JSON: the stream under test is wrong.
pub fn json(bytes: impl AsRef<[u8]>) -> Vec<serde_json::Value> {
    let events = parse(bytes);
    let data = events.iter().map(|event| event.data.as_str()).filter(|data| *data != "[DONE]");
    data.map(|data| serde_json::from_str(data).expect("the data of each event must be JSON"))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const STREAM: &str =
        ": hello\r\nevent: a\r\ndata: one\r\ndata:two\r\n\r\nid: 7\ndata: é\n\ndata: cut";

    #[test]
    fn splitting_anywhere_changes_nothing() {
        let whole = Parser::default().push(STREAM.as_bytes());
        assert_eq!(
            whole,
            [
                Frame::Comment("hello".into()),
                Frame::Event(Event { name: Some("a".into()), data: "one\ntwo".into(), id: None }),
                Frame::Event(Event { name: None, data: "é".into(), id: Some("7".into()) }),
            ]
        );
        for at in 0..STREAM.len() {
            let mut parser = Parser::default();
            let mut frames = parser.push(&STREAM.as_bytes()[..at]);
            frames.extend(parser.push(&STREAM.as_bytes()[at..]));
            assert_eq!(frames, whole, "split at {at}");
            assert!(parser.is_inside_event());
        }
    }

    #[test]
    fn an_unfinished_event_is_not_an_event() {
        assert_eq!(parse(STREAM).len(), 2);
        assert_eq!(json("data: {\"a\":1}\n\ndata: [DONE]\n\n"), [serde_json::json!({"a": 1})]);
    }
}
