//! Reading one page of a provider's list: OpenAI's shape, which others fill with facts of their own,
//! or Anthropic's. A member that is not understood is not there.

use serde_json::Value;
use wire::dialect::Dialect;

use crate::catalog::{Found, Traits};

/// The longest name that is believed.
const MAX_NAME: usize = 200;
/// The most tokens that are believed.
const MAX_TOKENS: u64 = 1 << 40;

/// One page.
#[derive(Debug, PartialEq)]
pub(super) struct Page {
    pub(super) models: Vec<Found>,
    /// What the next page comes after.
    pub(super) next: Option<String>,
}

/// Reads a page; the error says why it is none.
pub(super) fn read(body: &[u8], dialect: Dialect) -> Result<Page, &'static str> {
    let root: Value = serde_json::from_slice(body).map_err(|_| "its answer is not JSON")?;
    let data = root["data"].as_array().ok_or("its answer holds no list of models")?;
    let next = match (dialect, root["has_more"].as_bool()) {
        (Dialect::Messages, Some(true)) => {
            let last = || data.last().and_then(|model| model["id"].as_str());
            root["last_id"].as_str().or_else(last).map(str::to_owned)
        }
        _ => None,
    };
    let models = data.iter().filter_map(|model| found(model, dialect)).collect();
    Ok(Page { models, next })
}

fn found(model: &Value, dialect: Dialect) -> Option<Found> {
    let text = |name: &str| {
        let text = model[name].as_str()?.trim();
        let fits = !text.is_empty() && text.len() <= MAX_NAME;
        (fits && !text.chars().any(char::is_control)).then(|| text.to_owned())
    };
    let tokens = |names: &[&str]| {
        let mut counts = names.iter().filter_map(|name| model[*name].as_u64());
        counts.find(|count| (1..=MAX_TOKENS).contains(count))
    };
    let said = match dialect {
        Dialect::Messages => {
            let can = |name: &str| model["capabilities"][name]["supported"].as_bool();
            Traits {
                context: tokens(&["max_input_tokens"]),
                max_output: tokens(&["max_tokens"]),
                images: can("image_input"),
                files: can("pdf_input"),
                ..Traits::default()
            }
        }
        // vLLM, OpenRouter, Groq; OpenAI itself says nothing.
        Dialect::Chat | Dialect::Responses => Traits {
            context: tokens(&["max_model_len", "context_length", "context_window"]),
            ..Traits::default()
        },
    };
    Some(Found { id: text("id")?, name: text("display_name").or_else(|| text("name")), said })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(text: &str, dialect: Dialect) -> Page {
        read(text.as_bytes(), dialect).expect("a page")
    }

    #[test]
    fn a_page_of_anthropic_says_where_the_next_begins_and_what_its_models_can() {
        let text = r#"{"data":[{"type":"model","id":"claude-x","display_name":"Claude X","created_at":"2026-01-01T00:00:00Z",
            "max_input_tokens":1000000,"max_tokens":128000,
            "capabilities":{"image_input":{"supported":true},"pdf_input":{"supported":false}}}],
            "has_more":true,"first_id":"claude-x","last_id":"claude-x"}"#;
        let said = Traits {
            context: Some(1_000_000),
            max_output: Some(128_000),
            images: Some(true),
            files: Some(false),
            ..Traits::default()
        };
        let model = Found { id: "claude-x".to_owned(), name: Some("Claude X".to_owned()), said };
        let expected = Page { models: vec![model], next: Some("claude-x".to_owned()) };
        assert_eq!(page(text, Dialect::Messages), expected);
        assert_eq!(page(text, Dialect::Chat).next, None, "nobody else pages like that");
    }

    #[test]
    fn what_is_not_understood_is_not_there() {
        let text = r#"{"object":"list","data":[{"id":"a","max_model_len":32768,"max_tokens":5},{"id":""},{"id":7},
            {"id":"b\u0007"},{"name":"c"},null,"d",{"id":"e","name":"E","context_length":0,"context_window":9}]}"#;
        let page = page(text, Dialect::Chat);
        let shown: Vec<_> = page
            .models
            .iter()
            .map(|model| (model.id.as_str(), model.name.as_deref(), model.said.context))
            .collect();
        assert_eq!(shown, [("a", None, Some(32_768)), ("e", Some("E"), Some(9))]);
        assert!(page.models.iter().all(|model| model.said.max_output.is_none()));
    }

    #[test]
    fn what_is_no_list_says_so() {
        for (text, why) in [
            ("<html>", "not JSON"),
            ("{}", "no list"),
            (r#"{"data":{}}"#, "no list"),
            ("[]", "no list"),
            ("", "not JSON"),
        ] {
            let said = read(text.as_bytes(), Dialect::Chat).expect_err(text);
            assert!(said.contains(why), "{text}: {said}");
        }
    }
}
