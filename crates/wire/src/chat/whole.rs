//! The message of a whole Chat Completions answer. It is put together from what the stream says and
//! decides nothing.

/// A message. All texts are escaped.
#[derive(Debug, Default)]
pub(super) struct Message {
    pub(super) content: String,
    pub(super) refusal: String,
    pub(super) reasoning: String,
    /// Objects, joined with commas.
    details: String,
    pub(super) calls: Vec<Call>,
}

/// A call. All texts are escaped.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: String,
    pub(super) name: String,
    /// Free text is what it is called with.
    pub(super) custom: bool,
    pub(super) payload: String,
}

impl Message {
    /// Adds an object to `reasoning_details`.
    pub(super) fn add_detail(&mut self, detail: &str) {
        if !self.details.is_empty() {
            self.details.push(',');
        }
        self.details.push_str(detail);
    }

    /// Writes the message as JSON, with these citations.
    pub(super) fn write(&self, annotations: &str, out: &mut String) {
        out.push_str("{\"role\":\"assistant\",\"content\":");
        // A message that says something else has no text; one that says nothing has an empty one.
        let says_else = !self.calls.is_empty() || !self.refusal.is_empty();
        text((!self.content.is_empty() || !says_else).then_some(&self.content), out);
        out.push_str(",\"refusal\":");
        text((!self.refusal.is_empty()).then_some(&self.refusal), out);
        if !self.reasoning.is_empty() {
            out.push_str(",\"reasoning_content\":");
            text(Some(&self.reasoning), out);
        }
        for (name, list) in
            [("reasoning_details", self.details.as_str()), ("annotations", annotations)]
        {
            if !list.is_empty() {
                for piece in [",\"", name, "\":[", list, "]"] {
                    out.push_str(piece);
                }
            }
        }
        if !self.calls.is_empty() {
            out.push_str(",\"tool_calls\":[");
            for (index, call) in self.calls.iter().enumerate() {
                if index > 0 {
                    out.push(',');
                }
                call.write(out);
            }
            out.push(']');
        }
        out.push('}');
    }
}

impl Call {
    fn write(&self, out: &mut String) {
        let (kind, payload) = match self.custom {
            true => ("custom", "input"),
            false => ("function", "arguments"),
        };
        for piece in ["{\"id\":\"", &self.id, "\",\"type\":\"", kind, "\",\"", kind] {
            out.push_str(piece);
        }
        for piece in
            ["\":{\"name\":\"", &self.name, "\",\"", payload, "\":\"", &self.payload, "\"}}"]
        {
            out.push_str(piece);
        }
    }
}

/// A string, or null.
fn text(escaped: Option<&String>, out: &mut String) {
    match escaped {
        Some(escaped) => {
            out.push('"');
            out.push_str(escaped);
            out.push('"');
        }
        None => out.push_str("null"),
    }
}
