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
use crate::route::{Listed, list, resolve};

/// The most entries that Codex gets: each repeats the instructions, and nobody picks from more.
const MAX_CODEX: usize = 300;
/// When the list was made means nothing; clients only want a number.
const CREATED: u64 = 1_700_000_000;
const CREATED_AT: &str = "2023-11-14T22:13:20Z";

/// Every model.
pub(super) fn all(snapshot: &Snapshot, uri: &Uri) -> Response<Answer> {
    let query = Query(uri.query().unwrap_or_default());
    let instructions = codex::instructions(snapshot, query.get("client_version"));
    let models = list(snapshot);
    let (page, has_more) = query.page(&models);
    let data: Vec<Value> = page.iter().map(entry).collect();
    let codex: Vec<Value> = models
        .iter()
        .take(MAX_CODEX)
        .enumerate()
        .map(|(index, model)| codex_entry(model, index, &instructions.text))
        .collect();
    let id = |at: Option<&Listed>| at.map(|model| model.slug.clone());
    let body = json!({
        "object": "list",
        "data": data,
        "models": codex,
        "has_more": has_more,
        "first_id": id(page.first()),
        "last_id": id(page.last()),
    });
    super::json(StatusCode::OK, body.to_string())
}

/// What a request for the list asks for.
struct Query<'q>(&'q str);

impl<'q> Query<'q> {
    fn get(&self, name: &str) -> Option<&'q str> {
        self.0.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='))
    }

    /// The part of the list that is asked for in Anthropic's way, and whether there is more behind
    /// it, or before it where it is read backwards (Anthropic's API reference, "List models").
    fn page<'m>(&self, models: &'m [Listed]) -> (&'m [Listed], bool) {
        let limit = self.get("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
        let place = |name: &str| {
            let wanted = decoded(self.get(name)?);
            models.iter().position(|model| model.slug == wanted)
        };
        if let Some(before) = place("before_id") {
            let start = before.saturating_sub(limit.max(1));
            return (&models[start..before], start > 0);
        }
        let start = place("after_id").map_or(0, |after| after + 1);
        let end = start.saturating_add(limit.max(1)).min(models.len());
        (&models[start..end], end < models.len())
    }
}

/// One model; a slash in its name may be encoded. A bare name that leads to one model is its name
/// too.
pub(super) fn one(snapshot: &Snapshot, path: &str) -> Result<Response<Answer>, Fault> {
    let slug = decoded(path);
    let models = list(snapshot);
    let found = models.iter().find(|model| model.slug == slug);
    let found = found.map(entry).or_else(|| {
        // A pattern leads to many models, so it names none.
        if slug.contains('*') {
            return None;
        }
        let route = resolve(snapshot, Some(&slug)).ok()?;
        let name = route.candidates.first()?.name();
        let known = models.iter().find(|model| model.slug == name)?;
        let mut entry = entry(known);
        // Whoever asks for a name is told about that name.
        entry.as_object_mut()?.insert("id".to_owned(), json!(slug));
        Some(entry)
    });
    match found {
        Some(model) => Ok(super::json(StatusCode::OK, model.to_string())),
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
        // The newest of Anthropic's SDKs demand it.
        "lifecycle": "active",
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
    fn pages_are_cut_as_anthropic_cuts_them() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("config.toml");
        let config = "[providers.lab]\nbase_url = \"http://127.0.0.1:9/v1\"\nmodels = [\"a\", \"b\", \"c\"]\n";
        std::fs::write(&file, config).unwrap();
        let home = folder.path().to_str().unwrap().to_owned();
        let env = move |name: &str| (name == "QUIRE_HOME").then(|| home.clone());
        let (snapshot, _) = Snapshot::load(Some(&file), &env).unwrap();
        let models = list(&snapshot);
        let all: Vec<&str> = models.iter().map(|model| model.slug.as_str()).collect();
        let page = |query: &str| {
            let (page, more) = Query(query).page(&models);
            (page.iter().map(|model| model.slug.as_str()).collect::<Vec<_>>(), more)
        };
        assert_eq!(page(""), (all.clone(), false));
        assert_eq!(page("limit=1000&x=1"), (all.clone(), false));
        assert_eq!(page("limit=2"), (all[..2].to_vec(), true));
        assert_eq!(page("limit=2&after_id=lab%2Fb"), (all[2..4].to_vec(), all.len() > 4));
        assert_eq!(page("before_id=lab/c&limit=1"), (vec!["lab/b"], true));
        assert_eq!(page("after_id=nobody"), (all.clone(), false));
        assert_eq!(page(&format!("after_id={}", all[all.len() - 1])), (vec![], false));
    }

    #[test]
    fn encoded_slashes_are_slashes() {
        assert_eq!(decoded("mock%2Falpha"), "mock/alpha");
        assert_eq!(decoded("a%2"), "a%2");
        assert_eq!(decoded("a%zz/b"), "a%zz/b");
    }
}
