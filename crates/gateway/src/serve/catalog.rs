//! `GET /v1/models`: one body that Codex (`models`), the OpenAI SDKs and the Anthropic SDKs
//! (`data`) all accept.
//!
//! The members of a Codex entry and their effects were measured on Codex 0.169.0. Without an
//! entry Codex gives a model neither `apply_patch` nor its context window, and one bad entry
//! spoils the whole list.

use http::{Response, StatusCode, Uri};
use serde_json::{Value, json};
use wire::fault::{Fault, Kind};
use wire::turn::Effort;

use super::Answer;
use crate::codex;
use crate::config::Snapshot;
use crate::route::{Listed, list};

/// When the list was made means nothing; clients only want a number.
const CREATED: u64 = 1_700_000_000;
const CREATED_AT: &str = "2023-11-14T22:13:20Z";

/// Every model.
pub(super) fn all(snapshot: &Snapshot, uri: &Uri) -> Response<Answer> {
    let version = uri
        .query()
        .and_then(|query| query.split('&').find_map(|pair| pair.strip_prefix("client_version=")));
    let instructions = codex::instructions(snapshot, version);
    let models = list(snapshot);
    let data: Vec<Value> = models.iter().map(entry).collect();
    let codex: Vec<Value> = models
        .iter()
        .enumerate()
        .map(|(index, model)| codex_entry(model, index, &instructions.text))
        .collect();
    let id = |at: Option<&Listed>| at.map(|model| model.slug.clone());
    let body = json!({
        "object": "list",
        "data": data,
        "models": codex,
        "has_more": false,
        "first_id": id(models.first()),
        "last_id": id(models.last()),
    });
    super::json(StatusCode::OK, body.to_string())
}

/// One model; a slash in its name may be encoded.
pub(super) fn one(snapshot: &Snapshot, path: &str) -> Result<Response<Answer>, Fault> {
    let slug = decoded(path);
    match list(snapshot).iter().find(|model| model.slug == slug) {
        Some(model) => Ok(super::json(StatusCode::OK, entry(model).to_string())),
        None => {
            let slug: String = slug.chars().take(100).collect();
            let text = format!("there is no model `{slug}` here; `GET /v1/models` lists them");
            Err(Fault { param: Some("model".to_owned()), ..Fault::new(Kind::UnknownModel, text) })
        }
    }
}

/// Undoes percent encoding; what is not UTF-8 names no model anyway.
fn decoded(path: &str) -> String {
    let mut bytes = Vec::with_capacity(path.len());
    let mut rest = path.as_bytes();
    while let [first, after @ ..] = rest {
        let hex = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok());
        match hex.and_then(|digits| u8::from_str_radix(digits, 16).ok()).filter(|_| *first == b'%')
        {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn entry(model: &Listed) -> Value {
    json!({
        "id": model.slug,
        "object": "model",
        "type": "model",
        "created": CREATED,
        "created_at": CREATED_AT,
        "owned_by": model.provider,
        "display_name": model.display_name,
    })
}

fn codex_entry(model: &Listed, index: usize, instructions: &str) -> Value {
    let level =
        |effort: &Effort| json!({"effort": effort.name(), "description": describe(*effort)});
    let levels: Vec<Value> = model.efforts.iter().map(level).collect();
    let default = model
        .settings
        .effort
        .or(model.default_effort)
        .filter(|effort| model.efforts.contains(effort));
    let modalities: &[&str] = if model.images { &["text", "image"] } else { &["text"] };
    let mut entry = json!({
        "slug": model.slug,
        "display_name": model.display_name,
        "description": model.settings.purpose,
        "supported_reasoning_levels": levels,
        "default_reasoning_level": default.map(Effort::name),
        "default_reasoning_summary": "auto",
        "supports_reasoning_summaries": true,
        "shell_type": "unified_exec",
        "visibility": "list",
        "supported_in_api": true,
        "priority": index,
        "support_verbosity": false,
        "apply_patch_tool_type": "freeform",
        "web_search_tool_type": "text",
        "truncation_policy": {"mode": "tokens", "limit": 10_000},
        "supports_parallel_tool_calls": true,
        "experimental_supported_tools": [],
        "input_modalities": modalities,
        "supports_search_tool": false,
        "use_responses_lite": false,
        "base_instructions": instructions,
    });
    if let (Some(window), Some(members)) = (model.context_window, entry.as_object_mut()) {
        members.insert("context_window".to_owned(), json!(window));
        members.insert("max_context_window".to_owned(), json!(window));
    }
    entry
}

const fn describe(effort: Effort) -> &'static str {
    match effort {
        Effort::None => "No thinking",
        Effort::Minimal => "As little thinking as possible",
        Effort::Low => "Quick, light thinking",
        Effort::Medium => "Balanced thinking",
        Effort::High => "Deep thinking for hard problems",
        Effort::Xhigh => "Deeper thinking",
        Effort::Max => "As much thinking as the model can",
        Effort::Ultra => "Beyond the usual limits of thinking",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn encoded_slashes_are_slashes() {
        assert_eq!(decoded("mock%2Falpha"), "mock/alpha");
        assert_eq!(decoded("a%2"), "a%2");
        assert_eq!(decoded("a%zz/b"), "a%zz/b");
    }
}
