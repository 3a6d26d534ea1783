//! The judgement of Messages answers: a stream put together as Anthropic's SDKs do it, by the rules
//! that clients rely on, and held against the whole message.

use serde_json::{Value, json};
use wire::drive::{self, Answer, Sent};
use wire::target::Target;

/// A request that declares tools of every kind and thinks aloud.
pub(crate) fn asking() -> Value {
    json!({
        "model": "asked/model",
        "max_tokens": 1000,
        "stream": true,
        "thinking": {"type": "adaptive"},
        "messages": [{"role": "user", "content": "do it"}],
        "tools": [
            {"name": "exec_command", "input_schema":
                {"type": "object", "properties": {"cmd": {"type": "string"}}}},
            {"name": "größe.messen", "input_schema": {"type": "object", "properties": {}}},
            {"type": "bash_20250124", "name": "bash"},
        ],
    })
}

/// What [`asking`] becomes for this target.
pub(crate) fn sent(target: &Target) -> Sent {
    drive::messages::request(&asking().to_string(), target).expect("the request is good")
}

/// The message that a client makes of a stream, or the error that ended it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Told {
    Message(Value),
    Error(Value),
}

impl Told {
    #[track_caller]
    pub(crate) fn message(&self) -> &Value {
        match self {
            Self::Message(message) => message,
            Self::Error(error) => unreachable!("it failed: {error}"),
        }
    }
}

/// Reads a stream by the rules.
///
/// # Errors
/// The rule that it breaks.
pub(crate) fn read(events: &str) -> Result<Told, String> {
    let mut reader = Reader::default();
    for event in testkit::sse::parse(events) {
        let data: Value = serde_json::from_str(&event.data).map_err(|error| error.to_string())?;
        let name = event.name.unwrap_or_default();
        if data["type"] != name.as_str() {
            return Err(format!("`{name}` is the event of {data}"));
        }
        reader.event(&name, &data).map_err(|rule| format!("{rule}: {data}"))?;
    }
    reader.told.ok_or_else(|| "no end".to_owned())
}

/// What is wrong with an answer; empty where all is well.
pub(crate) fn complaints(answer: &Answer) -> Vec<String> {
    let object: Value = match serde_json::from_str(&answer.object) {
        Ok(object) => object,
        Err(error) => return vec![format!("the object is no JSON: {error}")],
    };
    match read(&answer.events) {
        Err(rule) => vec![rule],
        Ok(Told::Error(error)) if error == object => Vec::new(),
        Ok(Told::Message(message)) if message == object => Vec::new(),
        Ok(told) => vec![format!("streamed {told:#?}\nbut whole {object:#}")],
    }
}

#[derive(Default)]
struct Reader {
    message: Value,
    open: Option<(Value, String)>,
    stopped: bool,
    told: Option<Told>,
}

const KINDS: [&str; 8] = [
    "api_error",
    "invalid_request_error",
    "rate_limit_error",
    "overloaded_error",
    "timeout_error",
    "authentication_error",
    "permission_error",
    "billing_error",
];

impl Reader {
    fn event(&mut self, name: &str, data: &Value) -> Result<(), String> {
        if self.told.is_some() {
            return Err("something follows the end".to_owned());
        }
        match name {
            "ping" => return Ok(()),
            "message_start" if self.message.is_null() => {
                self.message = data["message"].clone();
                let fits = self.message["id"].as_str().is_some_and(|id| id.starts_with("msg_"))
                    && self.message["content"] == json!([])
                    && self.message["role"] == "assistant"
                    && self.message["stop_reason"].is_null()
                    && self.message["usage"]["input_tokens"].is_u64();
                return fits.then_some(()).ok_or_else(|| "no good start".to_owned());
            }
            _ if self.message.is_null() => return Err("no start".to_owned()),
            "error" => {
                let kind = data["error"]["type"].as_str().unwrap_or_default();
                if !KINDS.contains(&kind) || !data["error"]["message"].is_string() {
                    return Err("an error of no kind".to_owned());
                }
                self.told = Some(Told::Error(data.clone()));
                return Ok(());
            }
            _ if self.stopped && name != "message_stop" => {
                return Err("something follows the reason".to_owned());
            }
            "content_block_start" => self.start(data)?,
            "content_block_delta" => self.delta(data)?,
            "content_block_stop" => self.stop(data)?,
            "message_delta" => self.reason(data)?,
            "message_stop" if self.stopped => {
                self.told = Some(Told::Message(std::mem::take(&mut self.message)));
            }
            _ => return Err("it has no place here".to_owned()),
        }
        Ok(())
    }

    fn content(&mut self) -> &mut Vec<Value> {
        self.message["content"].as_array_mut().expect("it began as a list")
    }

    fn start(&mut self, data: &Value) -> Result<(), String> {
        if self.open.is_some() {
            return Err("two blocks at once".to_owned());
        }
        if data["index"] != json!(self.content().len()) {
            return Err("blocks out of order".to_owned());
        }
        let block = &data["content_block"];
        let text = |name: &str| block[name].as_str();
        let legal = |id: &str| {
            !id.is_empty() && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-".contains(&b))
        };
        let fits = match block["type"].as_str().unwrap_or_default() {
            "text" => text("text") == Some(""),
            "thinking" => text("thinking") == Some("") && text("signature") == Some(""),
            "redacted_thinking" => text("data").is_some_and(|data| !data.is_empty()),
            "tool_use" => {
                text("id").is_some_and(legal)
                    && text("name").is_some_and(|name| !name.is_empty())
                    && block["input"] == json!({})
            }
            "server_tool_use" => {
                text("id").is_some_and(|id| legal(id) && id.starts_with("srvtoolu_"))
                    && text("name") == Some("web_search")
                    && block["input"] == json!({})
            }
            "web_search_tool_result" => {
                let before = self.message["content"].as_array().and_then(|list| list.last());
                before.is_some_and(|call| call["id"] == block["tool_use_id"])
                    && block["content"].is_array()
            }
            _ => false,
        };
        if !fits {
            return Err("no block begins so".to_owned());
        }
        self.open = Some((block.clone(), String::new()));
        Ok(())
    }

    fn delta(&mut self, data: &Value) -> Result<(), String> {
        let at = json!(self.content().len());
        let Some((block, input)) = &mut self.open else { return Err("no open block".to_owned()) };
        if data["index"] != at {
            return Err("a delta of another block".to_owned());
        }
        let kind = block["type"].as_str().unwrap_or_default().to_owned();
        let delta = &data["delta"];
        let member = match (kind.as_str(), delta["type"].as_str().unwrap_or_default()) {
            ("text", "text_delta") => "text",
            ("thinking", "thinking_delta") => "thinking",
            ("thinking", "signature_delta") => "signature",
            ("text", "citations_delta") => {
                let citation = delta["citation"].clone();
                match block["citations"].as_array_mut() {
                    Some(list) => list.push(citation),
                    None => block["citations"] = json!([citation]),
                }
                return Ok(());
            }
            ("tool_use" | "server_tool_use", "input_json_delta") => {
                let text = delta["partial_json"].as_str().ok_or("no text")?;
                input.push_str(text);
                return Ok(());
            }
            _ => return Err("a delta of another kind".to_owned()),
        };
        let text = delta[member].as_str().filter(|text| !text.is_empty()).ok_or("no text")?;
        let so_far = block[member].as_str().unwrap_or_default();
        block[member] = json!(format!("{so_far}{text}"));
        Ok(())
    }

    fn stop(&mut self, data: &Value) -> Result<(), String> {
        let at = json!(self.content().len());
        let Some((mut block, input)) = self.open.take() else {
            return Err("no open block".to_owned());
        };
        if data["index"] != at {
            return Err("the end of another block".to_owned());
        }
        if block["input"].is_object() {
            let value: Value = serde_json::from_str(&input).map_err(|error| error.to_string())?;
            if !value.is_object() {
                return Err("an input that is no object".to_owned());
            }
            block["input"] = value;
        }
        let empty = block["text"] == "" && block.get("citations").is_none();
        if empty || (block["thinking"] == "" && block["signature"] == "") {
            return Err("an empty block".to_owned());
        }
        self.content().push(block);
        Ok(())
    }

    fn reason(&mut self, data: &Value) -> Result<(), String> {
        if let Some((block, _)) = &self.open
            && block["type"] != "tool_use"
        {
            return Err("a block that never ends".to_owned());
        }
        let delta = &data["delta"];
        let reason = delta["stop_reason"].as_str().unwrap_or_default();
        let calls = self.content().iter().any(|block| block["type"] == "tool_use");
        let fits = match reason {
            "tool_use" => calls,
            "end_turn" | "stop_sequence" => !calls,
            "max_tokens" | "refusal" => true,
            _ => false,
        };
        let usage = &data["usage"];
        let counts = [
            "input_tokens",
            "output_tokens",
            "cache_read_input_tokens",
            "cache_creation_input_tokens",
        ];
        if !fits || counts.iter().any(|count| !usage[count].is_u64()) {
            return Err("no good reason".to_owned());
        }
        if (reason == "stop_sequence") != delta["stop_sequence"].is_string() {
            return Err("a sequence without its reason, or the other way".to_owned());
        }
        if data["quire"]["request_id"] != "req_t" || !data["quire"]["notes"].is_array() {
            return Err("no word about where it came from".to_owned());
        }
        for name in ["stop_reason", "stop_sequence"] {
            self.message[name] = delta[name].clone();
        }
        self.message["usage"] = usage.clone();
        self.message["quire"] = data["quire"].clone();
        self.stopped = true;
        Ok(())
    }
}
