//! The content parts of messages and of tool outputs: their kinds by role, and what each holds.

use serde_json::Value;

use super::super::walk::{at, found, given, kind};
use super::super::{Finding, Rule};
use super::walk::{kind_of, parts};
use super::world::WORLD;
use super::{INFERRED, MEASURED, QUOTED, REPORTED};

/// The kinds of parts that stand anywhere.
const KINDS: [&str; 10] = [
    "input_text",
    "input_image",
    "input_audio",
    "output_text",
    "refusal",
    "input_file",
    "computer_screenshot",
    "summary_text",
    "encrypted_content",
    "scoped_content",
];

fn tag(part: &Value) -> &str {
    part["type"].as_str().unwrap_or_default()
}

/// The first part inside such an item whose kind does not belong there.
fn misplaced(body: &Value, inside: fn(&Value) -> bool, fitting: &[&str]) -> Option<Finding> {
    let (place, part, _) =
        parts(body).find(|(_, part, item)| inside(item) && !fitting.contains(&tag(part)))?;
    found(place, tag(part))
}

/// The parts of this kind, with their places.
fn of<'a>(body: &'a Value, kind: &'static str) -> impl Iterator<Item = (String, &'a Value)> {
    parts(body).filter(move |(_, part, _)| tag(part) == kind).map(|(place, part, _)| (place, part))
}

fn is_url(url: &str) -> bool {
    let rest = url.strip_prefix("https://").or_else(|| url.strip_prefix("http://"));
    rest.is_some_and(|rest| !rest.is_empty() && !rest.contains(char::is_whitespace))
        || url.starts_with("data:")
}

/// What is wrong with a data URL that should hold an image.
fn image_fault(url: &str) -> Option<String> {
    let (head, data) = url.strip_prefix("data:")?.split_once(',').unwrap_or((url, ""));
    let Some(mime) = head.strip_suffix(";base64") else {
        return Some("a value without the ';base64' separator".into());
    };
    if !["image/png", "image/jpeg", "image/jpg", "image/gif", "image/webp"].contains(&mime) {
        return Some(format!("unsupported MIME type '{mime}'"));
    }
    if data.is_empty() {
        return Some("empty base64-encoded bytes".into());
    }
    let letters = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'+' | b'/' | b'=');
    let whole = data.bytes().all(letters) && data.len().is_multiple_of(4);
    (!whole).then(|| "an invalid base64-encoded value".into())
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "responses-part-not-object",
        check: |body| {
            let (place, part, _) = parts(body).find(|(_, part, _)| !part.is_object())?;
            found(place, kind(part))
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an object, but got {what} instead.",
        example: r#"{"model":"m","input":[{"role":"user","content":["x"]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-part-type-unknown",
        check: |body| {
            let (place, part, _) = parts(body).find(|(_, part, _)| !KINDS.contains(&tag(part)))?;
            found(format!("{place}.type"), tag(part))
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'input_text', 'input_image', 'input_audio', 'output_text', 'refusal', 'input_file', 'computer_screenshot', 'summary_text', and 'encrypted_content'.",
        example: r#"{"model":"m","input":[{"role":"user","content":[{"type":"text","text":"x"}]}]}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-part-of-assistant-in-input",
        check: |body| {
            let fitting =
                ["input_text", "input_image", "input_file", "scoped_content", "input_audio"];
            let inside = |item: &Value| kind_of(item) == "message" && item["role"] != "assistant";
            misplaced(body, inside, &fitting)
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'input_text', 'input_image', 'input_file', 'scoped_content', and 'input_audio'.",
        example: r#"{"model":"m","input":[{"role":"user","content":[{"type":"output_text","text":"x"}]}]}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-part-of-input-in-assistant",
        check: |body| {
            let inside = |item: &Value| kind_of(item) == "message" && item["role"] == "assistant";
            misplaced(body, inside, &["output_text", "refusal"])
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'output_text' and 'refusal'.",
        source: "measured on 2026-08-31; github.com/tinyhumansai/openhuman/issues/3624",
        example: r#"{"model":"m","input":[{"role":"assistant","content":[{"type":"input_text","text":"x"}]}]}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-part-of-answer-in-output",
        check: |body| {
            let inside = |item: &Value| kind_of(item) != "message";
            misplaced(
                body,
                inside,
                &["input_text", "input_image", "input_file", "encrypted_content"],
            )
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'input_text', 'input_image', and 'input_file'.",
        source: "quoted in the tests of LiteLLM, which had sent `output_text`",
        example: r#"{"model":"m","input":[{"type":"function_call","call_id":"c","name":"f","arguments":"{}"},{"type":"function_call_output","call_id":"c","output":[{"type":"output_text","text":"x"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-part-text-missing",
        check: |body| {
            let member = |part: &Value| match tag(part) {
                "input_text" | "output_text" => Some("text"),
                "refusal" => Some("refusal"),
                _ => None,
            };
            parts(body).find_map(|(place, part, _)| {
                let member = member(part)?;
                if given(part, member).is_some() { None } else { at(format!("{place}.{member}")) }
            })
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_text"}]}]}"#,
        ..MEASURED
    },
    Rule {
        id: "responses-part-text-not-string",
        check: |body| {
            parts(body).find_map(|(place, part, _)| {
                let text = given(part, "text")?;
                if text.is_string() { None } else { found(format!("{place}.text"), kind(text)) }
            })
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected a string, but got {what} instead.",
        example: r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":{"a":1}}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-part-unknown-member",
        check: |body| {
            parts(body).find_map(|(place, part, _)| {
                let kind = format!("part {}", tag(part));
                at(WORLD.knows(&kind).then(|| WORLD.stranger(&kind, part, &place))??)
            })
        },
        code: Some("unknown_parameter"),
        words: "Unknown parameter: '{at}'.",
        example: r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_text","text":"x","cache_control":{"type":"ephemeral"}}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-image-missing",
        check: |body| {
            let (place, _) = of(body, "input_image").find(|(_, part)| {
                given(part, "image_url").is_none() && given(part, "file_id").is_none()
            })?;
            at(format!("{place}.image_url"))
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_image","detail":"auto"}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "responses-image-url-object",
        check: |body| {
            of(body, "input_image").find_map(|(place, part)| {
                let url = given(part, "image_url")?;
                if url.is_string() { None } else { found(format!("{place}.image_url"), kind(url)) }
            })
        },
        code: Some("invalid_type"),
        words: "Invalid type for '{at}': expected an image URL, but got {what} instead.",
        example: r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":{"url":"https://example.com/a.png"}}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-image-url-malformed",
        check: |body| {
            of(body, "input_image").find_map(|(place, part)| {
                let url = part["image_url"].as_str()?;
                if is_url(url) { None } else { at(format!("{place}.image_url")) }
            })
        },
        code: Some("invalid_value"),
        words: "Invalid '{at}'. Expected a valid URL, but got a value with an invalid format.",
        example: r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":"file:///a.png"}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-image-data-malformed",
        check: |body| {
            of(body, "input_image").find_map(|(place, part)| {
                found(format!("{place}.image_url"), image_fault(part["image_url"].as_str()?)?)
            })
        },
        code: Some("invalid_value"),
        words: "Invalid '{at}'. Expected a base64-encoded data URL with an image MIME type (e.g. 'data:image/png;base64,aW1nIGJ5dGVzIGhlcmU='), but got {what}.",
        example: r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":"data:application/pdf;base64,aGk="}]}]}"#,
        ..QUOTED
    },
    Rule {
        id: "responses-image-detail-unknown",
        check: |body| {
            of(body, "input_image").find_map(|(place, part)| {
                let detail = given(part, "detail")?.as_str().unwrap_or_default();
                if ["low", "high", "auto", "original"].contains(&detail) {
                    return None;
                }
                found(format!("{place}.detail"), detail)
            })
        },
        code: Some("invalid_value"),
        words: "Invalid value: '{what}'. Supported values are: 'low', 'high', 'auto', and 'original'.",
        example: r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_image","image_url":"https://example.com/a.png","detail":"medium"}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "responses-file-missing",
        check: |body| {
            let (place, _) = of(body, "input_file").find(|(_, part)| {
                ["file_id", "file_data", "file_url"].iter().all(|name| given(part, name).is_none())
            })?;
            at(place)
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: one of 'file_id', 'file_data', or 'file_url' in '{at}'.",
        example: r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_file","filename":"a.pdf"}]}]}"#,
        ..INFERRED
    },
    Rule {
        id: "responses-file-data-bare",
        check: |body| {
            of(body, "input_file").find_map(|(place, part)| {
                let data = part["file_data"].as_str()?;
                let fits = data
                    .strip_prefix("data:")
                    .and_then(|rest| rest.split_once(','))
                    .is_some_and(|(head, data)| head.ends_with(";base64") && !data.is_empty());
                if fits { None } else { at(format!("{place}.file_data")) }
            })
        },
        code: Some("invalid_value"),
        words: "Invalid '{at}'. Expected a base64-encoded data URL with an application/pdf MIME type (e.g. 'data:application/pdf;base64,JVBERi0xLjQK'), but got a value without the 'data:' prefix.",
        example: r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_file","filename":"a.pdf","file_data":"aGk="}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "responses-file-name-missing",
        check: |body| {
            let (place, _) = of(body, "input_file").find(|(_, part)| {
                given(part, "file_data").is_some() && given(part, "filename").is_none()
            })?;
            at(format!("{place}.filename"))
        },
        code: Some("missing_required_parameter"),
        words: "Missing required parameter: '{at}'.",
        example: r#"{"model":"m","input":[{"role":"user","content":[{"type":"input_file","file_data":"data:application/pdf;base64,aGk="}]}]}"#,
        ..REPORTED
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_that_can_be_read_pass() {
        for url in ["https://example.com/a.png", "data:image/png;base64,iVBORw0KGgo="] {
            assert!(is_url(url) && image_fault(url).is_none(), "{url}");
        }
        for url in [
            "data:image/png,x",
            "data:image/bmp;base64,aGk=",
            "data:image/png;base64,",
            "data:image/png;base64,a",
        ] {
            assert!(image_fault(url).is_some(), "{url}");
        }
    }
}
