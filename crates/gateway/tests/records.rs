//! What the records make of requests: for every provider, in every dialect it speaks and for every
//! model it lists, requests that ask for much must pass a strict server of that kind. A record that
//! promises more than its vendor takes fails here, as far as the vendor's refusals are known.

use std::collections::HashSet;

use gateway::catalog::{Catalog, Dialect, GENERIC, Record};
use serde_json::Value;
use testkit::strict::{Profile, check_all};
use wire::json::Tape;
use wire::note::Notes;
use wire::target::Target;
use wire::turn::{Effort, Opened, Sealed, Turn, Vault};

/// Nothing was sealed here.
struct Nobody;

impl Vault for Nobody {
    fn seal(&self, _: Sealed, plain: &str) -> String {
        plain.to_owned()
    }

    fn open(&self, _: Sealed, _: &str) -> Opened {
        Opened::Foreign
    }
}

/// The servers that stand for a record's in a dialect.
fn servers(record: &Record, dialect: Dialect) -> Vec<Profile> {
    let family = |names: &[&str]| names.iter().any(|name| record.id.starts_with(name));
    match dialect {
        Dialect::Chat => vec![match record.id.as_str() {
            "openai-api" => Profile::OpenAi,
            "deepseek" => Profile::DeepSeek,
            "lm-studio" => Profile::LmStudio,
            "ollama" => Profile::OllamaTolerant,
            "vllm" => Profile::Vllm,
            _ if family(&["zhipu", "zai"]) => Profile::Zhipu,
            _ if family(&["minimax"]) => Profile::MiniMax,
            _ if family(&["xiaomi"]) => Profile::MiMo,
            _ => Profile::GenericStrict,
        }],
        Dialect::Responses if family(&["openai"]) => vec![Profile::OpenAiResponses],
        Dialect::Responses if record.id == GENERIC => {
            vec![Profile::ResponsesTolerant, Profile::OpenAiResponses]
        }
        Dialect::Responses => vec![Profile::ResponsesTolerant],
        Dialect::Messages if family(&["anthropic"]) => vec![Profile::Anthropic],
        // These know words that older servers do not.
        Dialect::Messages if family(&["deepseek", "minimax"]) => vec![Profile::MessagesTolerant],
        Dialect::Messages => vec![Profile::MessagesTolerant, Profile::MessagesClassic],
    }
}

const PIXEL: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8BQDwAEhQGAhKmMIQAAAABJRU5ErkJggg==";

/// Requests in Responses that ask for much; `PIXEL` stands for an image.
const REQUESTS: [&str; 4] = [
    r#"{"model":"m","instructions":"be brief","input":[{"role":"user","content":[{"type":"input_text","text":"look"},{"type":"input_image","image_url":"PIXEL"},{"type":"input_file","filename":"a.pdf","file_data":"data:application/pdf;base64,JVBERi0xLjQK"}]}],
        "tools":[{"type":"function","name":"read","description":"reads","parameters":{"type":"object","properties":{"path":{"type":"string"}},"required":["path"],"additionalProperties":false},"strict":true},
            {"type":"custom","name":"apply_patch","description":"patches","format":{"type":"grammar","syntax":"lark","definition":"start: \"x\""}},{"type":"web_search"}],
        "tool_choice":"required","parallel_tool_calls":false,"max_output_tokens":2000,"temperature":0.3,"top_p":0.5,"top_logprobs":2,
        "service_tier":"priority","user":"someone","safety_identifier":"someone","prompt_cache_key":"key","metadata":{"a":"b"},"text":{"verbosity":"low"},"store":false,"include":["reasoning.encrypted_content"],"stream":true}"#,
    r#"{"model":"m","input":[{"role":"user","content":"go"},{"type":"reasoning","summary":[{"type":"summary_text","text":"hm"}],"content":[{"type":"reasoning_text","text":"hm"}],"encrypted_content":"elsewhere"},
            {"type":"function_call","call_id":"c1","name":"read","arguments":"{\"path\":\"a\"}"},{"type":"custom_tool_call","call_id":"c2","name":"apply_patch","input":"x"},
            {"type":"function_call_output","call_id":"c1","output":[{"type":"input_text","text":"done"},{"type":"input_image","image_url":"PIXEL"}]},{"type":"custom_tool_call_output","call_id":"c2","output":"ok"},
            {"role":"developer","content":"now hurry"},{"role":"user","content":"and?"}],
        "tools":[{"type":"function","name":"read","parameters":{"type":"object","properties":{"path":{"type":"string"}}}},{"type":"custom","name":"apply_patch"}],
        "tool_choice":{"type":"function","name":"read"},"stream":true,"reasoning":{"summary":"auto"}}"#,
    r#"{"model":"m","input":[{"role":"system","content":"answer in json"},{"role":"user","content":"as json please"}],"max_output_tokens":300,
        "text":{"format":{"type":"json_schema","name":"out","strict":true,"schema":{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}}}}"#,
    r#"{"model":"m","input":"as json please","text":{"format":{"type":"json_object"}},"tool_choice":"none","tools":[{"type":"function","name":"f","parameters":{"type":"object","properties":{}}}]}"#,
];

/// The same in Messages, for what only it can ask for.
const MESSAGES: &str = r#"{"model":"m","max_tokens":5000,"system":"be brief","messages":[{"role":"user","content":"count"}],"stop_sequences":["END"],"top_k":7,"temperature":0.2,"metadata":{"user_id":"someone"},
    "tools":[{"name":"f","input_schema":{"type":"object","properties":{}}}],"tool_choice":{"type":"any","disable_parallel_tool_use":true},"stream":true}"#;

fn written(dialect: Dialect, turn: &Turn<'_>, target: &Target) -> Result<Value, String> {
    let (out, mut notes) = (String::new(), Notes::default());
    let rendered = match dialect {
        Dialect::Chat => wire::chat::render(turn, target, &Nobody, out, &mut notes),
        Dialect::Responses => wire::responses::render(turn, target, &Nobody, out, &mut notes),
        Dialect::Messages => wire::messages::render(turn, target, &Nobody, out, &mut notes),
    };
    let body = rendered.map_err(|fault| fault.to_string())?.body;
    serde_json::from_str(&body).map_err(|error| format!("{error}: {body}"))
}

/// Rules about models that cannot see; the servers do not know those that can by their names.
const BLIND: [&str; 2] = ["deepseek-part", "zhipu-image"];

/// The refusals of a request for one model, with each effort and with none.
fn refused(record: &Record, name: &str, dialect: Dialect, turn: &mut Turn<'_>) -> Vec<String> {
    let model = record.model(name);
    let mut refused = Vec::new();
    let mut seen = HashSet::new();
    for effort in std::iter::once(None).chain(Effort::ALL.map(Some)) {
        turn.settings.effort = effort;
        let shown = effort.map_or("no effort", Effort::name);
        let at = format!("{}/{name} in {} at {shown}", record.id, dialect.name());
        match written(dialect, turn, model.target(dialect)) {
            Err(why) => refused.push(format!("{at}: {why}")),
            // Many efforts come to the same.
            Ok(body) if !seen.insert(body.to_string()) => {}
            Ok(body) => {
                for server in servers(record, dialect) {
                    let found = check_all(server, &body);
                    let blind = |rule| model.target(dialect).images && BLIND.contains(&rule);
                    let rules = found.iter().filter(|found| !blind(found.rule));
                    let rules: Vec<String> =
                        rules.map(|found| format!("{} {}", found.rule, found.at)).collect();
                    if !rules.is_empty() {
                        refused.push(format!("{at}: {}: {rules:?}", server.name()));
                    }
                }
            }
        }
    }
    refused
}

/// The names to try: those with a card, one that fits each pattern, and one that nobody knows.
fn names(record: &Record) -> Vec<String> {
    let cards = record.cards.iter().map(|card| card.id.replace("-*-", "-opus-").replace('*', ""));
    cards.chain(std::iter::once("never-heard-of".to_owned())).collect()
}

#[test]
fn what_a_record_promises_its_vendor_takes() {
    let mut all = Vec::new();
    let mut tried = 0;
    let images = REQUESTS.map(|text| text.replace("PIXEL", PIXEL));
    for record in Catalog::embedded().records() {
        for dialect in record.dialects.iter().map(|endpoint| endpoint.dialect) {
            for name in names(record) {
                for text in &images {
                    let mut tape = Tape::default();
                    let root = tape.read(text).expect("JSON");
                    let mut turn =
                        wire::responses::parse(root, &mut Notes::default()).expect("a request");
                    all.extend(refused(record, &name, dialect, &mut turn));
                    tried += 1;
                }
                let mut tape = Tape::default();
                let root = tape.read(MESSAGES).expect("JSON");
                let mut turn =
                    wire::messages::parse(root, &mut Notes::default()).expect("a request");
                all.extend(refused(record, &name, dialect, &mut turn));
            }
        }
    }
    assert!(tried > 500, "only {tried} were tried");
    assert!(all.is_empty(), "{} refusals:\n{}", all.len(), all.join("\n"));
}

/// A server of which only the address and the dialect are known.
#[test]
fn an_unknown_server_is_asked_for_nothing_it_may_not_know() {
    let catalog = Catalog::embedded();
    let generic = catalog.record(GENERIC).expect("it is there");
    let mut all = Vec::new();
    for text in REQUESTS.map(|text| text.replace("PIXEL", PIXEL)) {
        for dialect in Dialect::ALL {
            let mut tape = Tape::default();
            let root = tape.read(&text).expect("JSON");
            let mut turn = wire::responses::parse(root, &mut Notes::default()).expect("a request");
            all.extend(refused(generic, "any", dialect, &mut turn));
        }
    }
    assert!(all.is_empty(), "{} refusals:\n{}", all.len(), all.join("\n"));
}
