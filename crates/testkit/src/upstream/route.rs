//! What a request meets before the script: the key, the path, the head, the refusal table, the
//! list of models. It chooses the step and writes nothing.

use serde_json::{Value, json};

use super::record::Recorded;
use super::{Settings, State};
use crate::Dialect;
use crate::script::{Http, Step, answers, refuses};
use crate::strict::{self, Door, Profile, Refusal};

/// The largest request that Anthropic takes (docs.claude.com/en/api/errors).
const MOST_BYTES: usize = 32 << 20;

/// Records a request and chooses its answer.
pub(super) fn admit(
    settings: &Settings,
    state: &mut State,
    mut request: Recorded,
) -> (usize, Step) {
    request.number = state.requests.len();
    let step = route(settings, state, &mut request);
    state.requests.push(request);
    (state.requests.len() - 1, step)
}

fn route(settings: &Settings, state: &mut State, request: &mut Recorded) -> Step {
    let dialect = settings.profile.dialect();
    if let Some(key) = &settings.key
        && let Some(step) = locked(dialect, key, request)
    {
        return step;
    }
    let path = request.place().to_owned();
    let door = match request.method.as_str() {
        "POST" if path == dialect.path() => Door::Answer,
        "POST" if dialect.count_path() == Some(&path) => Door::Count,
        "GET" if path == "/v1/models" => return models(settings).into(),
        _ => {
            let refusal = nowhere(dialect, request);
            return refuse(settings, request, refusal);
        }
    };
    if let Some(refusal) = refusal(settings, door, request) {
        return refuse(settings, request, refusal);
    }
    if door == Door::Count {
        return state.script.count(request);
    }
    state.script.take(request).unwrap_or_else(|| {
        state.troubles.push(format!("the script has no step for request {}", request.number));
        refuses(500).error("testkit", "no_step", "the script has no step for this request").into()
    })
}

fn refuse(settings: &Settings, request: &mut Recorded, refusal: Refusal) -> Step {
    let body = refusal.bytes(settings.profile, request.json["stream"] == true);
    let step = answers(refusal.status).body(body).into();
    request.refusal = Some(refusal);
    step
}

/// The answer to a request with no key or a wrong one.
fn locked(dialect: Dialect, key: &str, request: &Recorded) -> Option<Step> {
    let bearer = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let given = match dialect {
        Dialect::Chat | Dialect::Responses => bearer,
        Dialect::Messages => request.header("x-api-key").or(bearer),
    };
    if given == Some(key) {
        return None;
    }
    let (kind, message) = match (dialect, given) {
        (Dialect::Messages, None) => ("authentication_error", "x-api-key header is required"),
        (Dialect::Messages, Some(_)) => ("authentication_error", "invalid x-api-key"),
        (_, None) => (
            "invalid_request_error",
            "You didn't provide an API key. You need to provide your API key in an Authorization header using Bearer auth (i.e. Authorization: Bearer YOUR_KEY).",
        ),
        (_, Some(_)) => (
            "invalid_request_error",
            "Incorrect API key provided. You can find your API key at https://platform.openai.com/account/api-keys.",
        ),
    };
    Some(refuses(401).error(kind, "invalid_api_key", message).into())
}

fn models(settings: &Settings) -> Http {
    let names = settings.models.clone().unwrap_or_else(|| vec!["mock-model".into()]);
    let list = |model: fn(&String) -> Value| names.iter().map(model).collect::<Vec<Value>>();
    answers(200).json(&match settings.profile.dialect() {
        Dialect::Chat | Dialect::Responses => {
            let data = list(
                |name| json!({"id": name, "object": "model", "created": 0, "owned_by": "testkit"}),
            );
            json!({"object": "list", "data": data})
        }
        Dialect::Messages => {
            let data = list(|name| {
                json!({"type": "model", "id": name, "display_name": name,
                    "created_at": "2026-01-01T00:00:00Z"})
            });
            json!({"data": data, "has_more": false, "first_id": names.first(),
                "last_id": names.last()})
        }
    })
}

/// The refusal of a path that the dialect does not have.
fn nowhere(dialect: Dialect, request: &Recorded) -> Refusal {
    let (method, path) = (&request.method, request.place());
    let message = match dialect {
        Dialect::Chat | Dialect::Responses => format!("Invalid URL ({method} {path})"),
        Dialect::Messages => format!("Not Found ({method} {path})"),
    };
    Refusal { rule: "path-unknown", status: 404, code: None, at: String::new(), message }
}

/// What the head and the table have against a request.
fn refusal(settings: &Settings, door: Door, request: &Recorded) -> Option<Refusal> {
    let head = |rule, status, message: String| {
        Some(Refusal { rule, status, code: None, at: String::new(), message })
    };
    let kind = request.header("content-type").unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/json") {
        let message = format!(
            "Unsupported content type: '{kind}'. This API method only accepts 'application/json' requests, but you specified the header 'Content-Type: {kind}'."
        );
        return head("head-content-type", 400, message);
    }
    if let Some(encoding) = request.header("content-encoding") {
        let message = format!("Unsupported content encoding: '{encoding}'.");
        return head("head-content-encoding", 415, message);
    }
    if request.headers.all("authorization").count() > 1 {
        return head("head-two-authorizations", 400, "Bad request: two authorizations".into());
    }
    let dialect = settings.profile.dialect();
    if dialect == Dialect::Messages && request.header("anthropic-version").is_none() {
        return head("head-version", 400, "anthropic-version: header is required".into());
    }
    if dialect == Dialect::Messages && request.body.len() > MOST_BYTES {
        return head("head-too-large", 413, "Request exceeds the maximum size".into());
    }
    // No vendor refuses these; they tell a stranger what the client is and whose account it has.
    let private = |name: &str| {
        let name = name.to_ascii_lowercase();
        name.starts_with("x-codex-") || name == "chatgpt-account-id" || name == "cookie"
    };
    if let Some((name, _)) = request.headers.0.iter().find(|(name, _)| private(name)) {
        return head("head-private-header", 400, format!("`{name}` is no business of an upstream"));
    }
    if let Err(error) = serde_json::from_slice::<Value>(&request.body) {
        let message = match dialect {
            Dialect::Chat | Dialect::Responses => {
                format!("We could not parse the JSON body of your request. ({error})")
            }
            Dialect::Messages => format!("The request body is not valid JSON: {error}"),
        };
        return head("body-not-json", 400, message);
    }
    if let Some(refusal) = strict::check_at(door, settings.profile, &request.json) {
        return Some(refusal);
    }
    if settings.profile == Profile::Anthropic {
        let betas = request.header("anthropic-beta").unwrap_or_default();
        if let Some(refusal) = strict::anthropic::beta(&request.json, betas) {
            return Some(refusal);
        }
    }
    let model = request.json["model"].as_str().unwrap_or_default();
    let models = settings.models.as_ref()?;
    let message = match dialect {
        Dialect::Chat | Dialect::Responses => {
            format!("The model `{model}` does not exist or you do not have access to it.")
        }
        Dialect::Messages => format!("model: {model}"),
    };
    (!models.iter().any(|known| known == model)).then_some(Refusal {
        rule: "model-unknown",
        status: 404,
        code: Some("model_not_found"),
        at: String::new(),
        message,
    })
}
