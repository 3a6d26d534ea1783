//! A Responses request as a Chat Completions request. Strings that only move are copied as the
//! raw JSON that they came as.

use serde::Deserialize;
use serde_json::value::RawValue;

/// What of the request the answer needs again.
#[derive(Debug)]
pub(crate) struct Asked<'a> {
    pub(crate) model: &'a str,
    pub(crate) stream: bool,
}

#[derive(Deserialize)]
struct Request<'a> {
    #[serde(borrow)]
    model: &'a RawValue,
    #[serde(borrow, default)]
    instructions: Option<&'a RawValue>,
    #[serde(borrow)]
    input: Vec<Item<'a>>,
    #[serde(borrow, default)]
    tools: Vec<Tool<'a>>,
    #[serde(borrow, default)]
    tool_choice: Option<&'a RawValue>,
    #[serde(borrow, default)]
    parallel_tool_calls: Option<&'a RawValue>,
    #[serde(borrow, default)]
    max_output_tokens: Option<&'a RawValue>,
    #[serde(default)]
    stream: bool,
}

#[derive(Deserialize)]
struct Item<'a> {
    #[serde(rename = "type", default)]
    kind: Option<&'a str>,
    #[serde(default)]
    role: Option<&'a str>,
    #[serde(borrow, default)]
    content: Option<&'a RawValue>,
    #[serde(borrow, default)]
    call_id: Option<&'a RawValue>,
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    arguments: Option<&'a RawValue>,
    #[serde(borrow, default)]
    output: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Part<'a> {
    #[serde(borrow, default)]
    text: Option<&'a RawValue>,
}

#[derive(Deserialize)]
struct Tool<'a> {
    #[serde(rename = "type")]
    kind: &'a str,
    #[serde(borrow, default)]
    name: Option<&'a RawValue>,
    #[serde(borrow, default)]
    description: Option<&'a RawValue>,
    #[serde(borrow, default)]
    parameters: Option<&'a RawValue>,
}

/// Appends the Chat request to `out`.
pub(crate) fn translate<'a>(
    body: &'a str,
    out: &mut Vec<u8>,
) -> Result<Asked<'a>, serde_json::Error> {
    let request: Request<'a> = serde_json::from_str(body)?;
    put(out, "{\"model\":");
    put(out, request.model.get());
    put(out, ",\"messages\":[");
    let mut messages = Messages { out, calls_open: false, first: true };
    if let Some(instructions) = request.instructions {
        messages.start("system");
        put(messages.out, instructions.get());
        put(messages.out, "}");
    }
    for item in &request.input {
        messages.push(item)?;
    }
    messages.close_calls();
    put(out, "]");
    render_tools(&request.tools, out);
    member(out, ",\"tool_choice\":", request.tool_choice);
    member(out, ",\"parallel_tool_calls\":", request.parallel_tool_calls);
    member(out, ",\"max_tokens\":", request.max_output_tokens);
    if request.stream {
        put(out, ",\"stream\":true,\"stream_options\":{\"include_usage\":true}");
    }
    put(out, "}");
    Ok(Asked { model: request.model.get(), stream: request.stream })
}

/// The list of messages being written; calls that follow each other share one message.
struct Messages<'o> {
    out: &'o mut Vec<u8>,
    calls_open: bool,
    first: bool,
}

impl Messages<'_> {
    fn push(&mut self, item: &Item<'_>) -> Result<(), serde_json::Error> {
        match item.kind.unwrap_or("message") {
            "message" => {
                let role = match item.role {
                    Some("developer") => "system",
                    other => other.unwrap_or("user"),
                };
                self.start(role);
                self.content(item.content)?;
                put(self.out, "}");
            }
            "function_call" => {
                if self.calls_open {
                    put(self.out, ",");
                } else {
                    self.separate();
                    put(self.out, "{\"role\":\"assistant\",\"content\":null,\"tool_calls\":[");
                    self.calls_open = true;
                }
                member(self.out, "{\"type\":\"function\",\"id\":", item.call_id);
                member(self.out, ",\"function\":{\"name\":", item.name);
                member(self.out, ",\"arguments\":", item.arguments);
                put(self.out, "}}");
            }
            "function_call_output" => {
                self.start("tool");
                self.content(item.output)?;
                member(self.out, ",\"tool_call_id\":", item.call_id);
                put(self.out, "}");
            }
            // Reasoning and whatever else Chat has no word for.
            _ => {}
        }
        Ok(())
    }

    fn start(&mut self, role: &str) {
        self.close_calls();
        self.separate();
        put(self.out, "{\"role\":\"");
        put(self.out, role);
        put(self.out, "\",\"content\":");
    }

    fn content(&mut self, content: Option<&RawValue>) -> Result<(), serde_json::Error> {
        let content = content.map_or("\"\"", RawValue::get);
        if !content.starts_with('[') {
            put(self.out, content);
            return Ok(());
        }
        let parts: Vec<Part<'_>> = serde_json::from_str(content)?;
        let mut texts = parts.iter().filter_map(|part| part.text);
        if let [Part { text: Some(text) }] = parts.as_slice() {
            put(self.out, text.get());
            return Ok(());
        }
        put(self.out, "[");
        member(self.out, "{\"type\":\"text\",\"text\":", texts.next());
        for text in texts {
            member(self.out, "},{\"type\":\"text\",\"text\":", Some(text));
        }
        put(self.out, "}]");
        Ok(())
    }

    fn close_calls(&mut self) {
        if self.calls_open {
            put(self.out, "]}");
            self.calls_open = false;
        }
    }

    fn separate(&mut self) {
        if !self.first {
            put(self.out, ",");
        }
        self.first = false;
    }
}

fn render_tools(tools: &[Tool<'_>], out: &mut Vec<u8>) {
    let mut opening = ",\"tools\":[";
    for tool in tools.iter().filter(|tool| tool.kind == "function") {
        put(out, opening);
        member(out, "{\"type\":\"function\",\"function\":{\"name\":", tool.name);
        member(out, ",\"description\":", tool.description);
        member(out, ",\"parameters\":", tool.parameters);
        put(out, "}}");
        opening = ",";
    }
    if opening == "," {
        put(out, "]");
    }
}

fn member(out: &mut Vec<u8>, name: &str, value: Option<&RawValue>) {
    if let Some(value) = value {
        put(out, name);
        put(out, value.get());
    }
}

fn put(out: &mut Vec<u8>, text: &str) {
    out.extend_from_slice(text.as_bytes());
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    #[test]
    fn a_history_with_tools_becomes_messages() {
        let body = json!({
            "model": "m", "instructions": "be\tbrief", "stream": true,
            "input": [
                {"type": "message", "role": "developer", "content": [{"type": "input_text", "text": "d"}]},
                {"role": "user", "content": "hi \u{e9}"},
                {"type": "reasoning", "summary": [], "encrypted_content": "x"},
                {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"a\":1}"},
                {"type": "function_call", "call_id": "c2", "name": "f", "arguments": "{}"},
                {"type": "function_call_output", "call_id": "c1", "output": "one"},
                {"type": "function_call_output", "call_id": "c2", "output": "two"},
                {"role": "user", "content": [{"type": "input_text", "text": "a"}, {"type": "input_text", "text": "b"}]}
            ],
            "tools": [{"type": "function", "name": "f", "parameters": {"type": "object"}}, {"type": "web_search"}]
        })
        .to_string();
        let mut out = Vec::new();
        let asked = super::translate(&body, &mut out).unwrap();
        assert!(asked.stream);
        assert_eq!(asked.model, "\"m\"");
        let call = |id: &str, arguments: &str| json!({"type": "function", "id": id, "function": {"name": "f", "arguments": arguments}});
        assert_eq!(
            serde_json::from_slice::<Value>(&out).unwrap(),
            json!({
                "model": "m", "stream": true, "stream_options": {"include_usage": true},
                "messages": [
                    {"role": "system", "content": "be\tbrief"},
                    {"role": "system", "content": "d"},
                    {"role": "user", "content": "hi \u{e9}"},
                    {"role": "assistant", "content": null, "tool_calls": [call("c1", "{\"a\":1}"), call("c2", "{}")]},
                    {"role": "tool", "tool_call_id": "c1", "content": "one"},
                    {"role": "tool", "tool_call_id": "c2", "content": "two"},
                    {"role": "user", "content": [{"type": "text", "text": "a"}, {"type": "text", "text": "b"}]}
                ],
                "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}]
            })
        );
    }
}
