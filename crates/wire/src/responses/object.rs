//! The response object: what an answer says about the request that it answers. All members are
//! always there, since strict SDKs want each of them (Open Responses, `ResponseResource`).

use crate::json::{Kind, Value};
use std::fmt::Write as _;

/// Members that are echoed as they came, with the value that stands when they were not sent.
const ECHOED: &[(&str, &str)] = &[
    ("previous_response_id", "null"),
    ("instructions", "null"),
    ("tool_choice", "\"auto\""),
    ("truncation", "\"disabled\""),
    ("parallel_tool_calls", "true"),
    ("top_p", "1"),
    ("presence_penalty", "0"),
    ("frequency_penalty", "0"),
    ("top_logprobs", "0"),
    ("temperature", "1"),
    ("max_output_tokens", "null"),
    ("max_tool_calls", "null"),
    ("background", "false"),
    ("service_tier", "\"default\""),
    ("metadata", "{}"),
    ("safety_identifier", "null"),
    ("prompt_cache_key", "null"),
];

/// The part of a response object that only the request decides: `,"name":value` for each member.
pub fn echo(request: Value<'_, '_>) -> String {
    // What happens is that nothing is stored, whatever was asked.
    repeat(request, "false")
}

/// The same part of another's response object.
pub fn repeated(response: Value<'_, '_>) -> String {
    repeat(response, response.get("store").and_then(Value::non_null).map_or("false", Value::raw))
}

fn repeat(request: Value<'_, '_>, store: &str) -> String {
    let mut out = String::with_capacity(1024);
    let get = |name: &str| request.get(name).and_then(Value::non_null);
    for (name, default) in ECHOED {
        let raw = get(name).map_or(*default, Value::raw);
        write!(out, ",\"{name}\":{raw}").expect("a String takes every write");
    }
    write!(out, ",\"store\":{store}").expect("a String takes every write");
    if let Some(user) = get("user") {
        write!(out, ",\"user\":{}", user.raw()).expect("a String takes every write");
    }
    out.push_str(",\"tools\":");
    tools(get("tools"), &mut out);
    reasoning(get("reasoning"), &mut out);
    text(get("text"), &mut out);
    // The echo stands in the one line of an event. Between JSON values a line break means nothing,
    // and inside of strings there is none.
    if memchr::memchr2(b'\n', b'\r', out.as_bytes()).is_some() {
        out = out.replace(['\n', '\r'], " ");
    }
    // It is kept as long as the answer streams.
    out.shrink_to_fit();
    out
}

fn tools(list: Option<Value<'_, '_>>, out: &mut String) {
    out.push('[');
    for (index, tool) in list.into_iter().flat_map(Value::elements).enumerate() {
        if index > 0 {
            out.push(',');
        }
        let function =
            tool.get("type").and_then(Value::as_str).is_some_and(|kind| kind.is("function"));
        // Function tools must show five members, whether they were sent or not.
        let missing = ["name", "description", "parameters", "strict"]
            .into_iter()
            .filter(|name| function && tool.get(name).is_none());
        match tool.raw().strip_suffix('}') {
            Some(open) if function => {
                out.push_str(open);
                for name in missing {
                    write!(out, ",\"{name}\":null").expect("a String takes every write");
                }
                out.push('}');
            }
            _ => out.push_str(tool.raw()),
        }
    }
    out.push(']');
}

fn reasoning(value: Option<Value<'_, '_>>, out: &mut String) {
    let member = |name: &str| value.and_then(|value| value.get(name)).map_or("null", Value::raw);
    let summary = match member("summary") {
        "null" => member("generate_summary"),
        "\"none\"" => "null",
        summary => summary,
    };
    write!(out, ",\"reasoning\":{{\"effort\":{},\"summary\":{summary}}}", member("effort"))
        .expect("a String takes every write");
}

fn text(value: Option<Value<'_, '_>>, out: &mut String) {
    out.push_str(",\"text\":{\"format\":");
    match value.and_then(|value| value.get("format")).and_then(Value::non_null) {
        Some(format) if format.get("schema").is_some() => schema_format(format, out),
        Some(format) if format.kind() == Kind::Object => out.push_str(format.raw()),
        _ => out.push_str("{\"type\":\"text\"}"),
    }
    if let Some(verbosity) =
        value.and_then(|value| value.get("verbosity")).and_then(Value::non_null)
    {
        write!(out, ",\"verbosity\":{}", verbosity.raw()).expect("a String takes every write");
    }
    out.push('}');
}

/// A `json_schema` format must show its description and strictness too.
fn schema_format(format: Value<'_, '_>, out: &mut String) {
    out.push('{');
    for (key, member) in format.members() {
        if !(member.is_null() && (key.is("description") || key.is("strict"))) {
            write!(out, "\"{}\":{},", key.escaped(), member.raw())
                .expect("a String takes every write");
        }
    }
    let absent = |name: &str| format.get(name).is_none_or(Value::is_null);
    if absent("description") {
        out.push_str("\"description\":null,");
    }
    if absent("strict") {
        out.push_str("\"strict\":false,");
    }
    out.pop();
    out.push('}');
}
