//! Declared tools, the client's and the server's, and the choice among them.

use std::collections::BTreeSet;

use serde_json::Value;

use super::super::walk::{at, found, given};
use super::super::{Finding, Rule, Vendor};
use super::walk::{Tool, blocks, is_name, tools};
use super::{INFERRED, QUOTED, REPORTED, world};

/// The names of tools that the server runs or whose schema it knows, by the beginning of their
/// type (the request types of anthropic-2.11.0).
const NAMES: [(&str, &str); 14] = [
    ("web_search_", "web_search"),
    ("web_fetch_", "web_fetch"),
    ("code_execution_", "code_execution"),
    ("bash_", "bash"),
    ("memory_", "memory"),
    ("advisor_", "advisor"),
    ("computer_2", "computer"),
    ("text_editor_20241022", "str_replace_editor"),
    ("text_editor_20250124", "str_replace_editor"),
    ("text_editor_", "str_replace_based_edit_tool"),
    ("tool_search_tool_bm25", "tool_search_tool_bm25"),
    ("tool_search_tool_regex", "tool_search_tool_regex"),
    ("computer_toolset_", ""),
    ("browser_toolset_", ""),
];

/// The name that a tool of this type must have; none where it may have any, or has none.
fn fixed_name(kind: &str) -> Option<&'static str> {
    let (_, name) = NAMES.iter().find(|(start, _)| kind.starts_with(start))?;
    (!name.is_empty()).then_some(*name)
}

/// The first of the client's tools that is wrong.
fn custom<'a>(body: &'a Value, wrong: impl Fn(&Tool<'a>) -> bool) -> Option<Tool<'a>> {
    tools(body).into_iter().find(|tool| tool.is_custom() && wrong(tool))
}

/// The first of the client's tools whose schema is an object and wrong.
fn schema(body: &Value, wrong: fn(&Value) -> bool, place: &str) -> Option<Finding> {
    let tool = custom(body, |tool| {
        tool.value["input_schema"].is_object() && wrong(&tool.value["input_schema"])
    })?;
    at(tool.member(place))
}

fn is_property(name: &str) -> bool {
    let fits = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    (1..=64).contains(&name.len()) && name.bytes().all(fits)
}

pub(super) static RULES: &[Rule] = &[
    Rule {
        id: "anthropic-tools-not-list",
        vendor: Vendor::MessagesEvery,
        check: |body| if given(body, "tools")?.is_array() { None } else { at("tools") },
        words: "{at}: Input should be a valid list",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":{}}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-tool-unknown",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let tool = tools(body).into_iter().find(|tool| !world::is_tool(tool.kind))?;
            found(tool.at, tool.kind)
        },
        words: "{at}: Input tag '{what}' found using 'type' does not match any of the expected tags: 'bash_20250124', 'custom', 'text_editor_20250124', 'text_editor_20250429', 'text_editor_20250728', 'web_search_20250305'",
        source: "github.com/anthropics/anthropic-sdk-go/issues/235",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-tool-without-name",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let wrong = |tool: &Tool<'_>| !tool.value["name"].is_string();
            at(custom(body, wrong)?.member("name"))
        },
        words: "{at}: Field required",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"input_schema":{"type":"object"}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-tool-name-too-long",
        check: |body| {
            let wrong = |tool: &Tool<'_>| is_name(tool.name()) && tool.name().len() > 128;
            at(custom(body, wrong)?.member("name"))
        },
        words: "{at}: String should have at most 128 characters",
        source: "github.com/anthropics/claude-code/issues/96152",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa","input_schema":{"type":"object"}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-tool-name-pattern",
        check: |body| at(custom(body, |tool| !is_name(tool.name()))?.member("name")),
        words: "{at}: String should match pattern '^[a-zA-Z0-9_-]{1,128}$'",
        source: "github.com/home-assistant/core/issues/147760",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"a.b","input_schema":{"type":"object"}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-tool-name-twice",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let mut seen = BTreeSet::new();
            let tools = tools(body);
            let mut names = tools.iter().map(Tool::name).filter(|name| !name.is_empty());
            names.any(|name| !seen.insert(name)).then(Finding::default)
        },
        words: "tools: Tool names must be unique.",
        source: "github.com/danny-avila/LibreChat/issues/13162",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","input_schema":{"type":"object"}},{"name":"f","input_schema":{"type":"object"}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-server-tool-name",
        check: |body| {
            let wrong =
                |tool: &Tool<'_>| fixed_name(tool.kind).is_some_and(|name| name != tool.name());
            let tool = tools(body).into_iter().find(wrong)?;
            found(tool.member("name"), fixed_name(tool.kind)?)
        },
        words: "{at}: Input should be '{what}'",
        source: "the request types of anthropic-2.11.0 fix these names",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"type":"web_search_20250305","name":"search"}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-server-tool-domains",
        check: |body| {
            let both = |tool: &Tool<'_>| {
                given(tool.value, "allowed_domains").is_some()
                    && given(tool.value, "blocked_domains").is_some()
            };
            at(tools(body).into_iter().find(both)?.at)
        },
        words: "{at}: Cannot specify both `allowed_domains` and `blocked_domains`",
        source: "the SDK's notes on both members: they exclude each other",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"type":"web_search_20250305","name":"web_search","allowed_domains":["a.example"],"blocked_domains":["b.example"]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-server-tool-uses",
        check: |body| {
            let wrong = |tool: &Tool<'_>| {
                given(tool.value, "max_uses")
                    .is_some_and(|uses| uses.as_u64().is_none_or(|n| n == 0))
            };
            at(tools(body).into_iter().find(wrong)?.member("max_uses"))
        },
        words: "{at}: Input should be greater than 0",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"type":"web_search_20250305","name":"web_search","max_uses":0}]}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-tool-description-not-string",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let wrong = |tool: &Tool<'_>| {
                tool.value.get("description").is_some_and(|words| !words.is_string())
            };
            at(custom(body, wrong)?.member("description"))
        },
        words: "{at}: Input should be a valid string",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","description":null,"input_schema":{"type":"object"}}]}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-schema-missing",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let wrong = |tool: &Tool<'_>| given(tool.value, "input_schema").is_none();
            at(custom(body, wrong)?.member("input_schema"))
        },
        words: "{at}: Field required",
        source: "github.com/latitude-dev/latitude-llm/issues/1522 has the cause",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f"}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-schema-not-object",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let wrong = |tool: &Tool<'_>| !tool.value["input_schema"].is_object();
            at(custom(body, wrong)?.member("input_schema"))
        },
        words: "{at}: Input should be a valid dictionary",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","input_schema":true}]}"#,
        ..INFERRED
    },
    Rule {
        id: "anthropic-schema-without-type",
        check: |body| schema(body, |schema| given(schema, "type").is_none(), "input_schema.type"),
        words: "{at}: Field required",
        source: "github.com/lidge-jun/opencodex/issues/75",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","input_schema":{"properties":{}}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-schema-of-other-type",
        check: |body| schema(body, |schema| schema["type"] != "object", "input_schema.type"),
        words: "{at}: Input should be 'object'",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","input_schema":{"type":"array"}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-schema-union",
        check: |body| {
            let union = |schema: &Value| {
                ["oneOf", "anyOf", "allOf"].iter().any(|name| schema.get(name).is_some())
            };
            schema(body, union, "input_schema")
        },
        words: "{at}: input_schema does not support oneOf, allOf, or anyOf at the top level",
        source: "github.com/anthropics/claude-code/issues/27337",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","input_schema":{"type":"object","anyOf":[{"required":["a"]}]}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-schema-property-name",
        check: |body| {
            let wrong = |schema: &Value| {
                let mut names = schema["properties"].as_object().into_iter().flat_map(|m| m.keys());
                names.any(|name| !is_property(name))
            };
            schema(body, wrong, "input_schema.properties")
        },
        words: "{at}: Property keys should match pattern '^[a-zA-Z0-9_.-]{1,64}$'",
        source: "github.com/modelcontextprotocol/go-sdk/issues/169, and many more",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","input_schema":{"type":"object","properties":{"a b":{"type":"string"}}}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-schema-invalid",
        check: |body| {
            let wrong = |schema: &Value| {
                // The keywords are judged, not a `$schema` that names another draft.
                let mut schema = schema.clone();
                if let Some(members) = schema.as_object_mut() {
                    members.remove("$schema");
                }
                !jsonschema::draft202012::meta::is_valid(&schema)
            };
            schema(body, wrong, "input_schema")
        },
        words: "{at}: JSON schema is invalid. It must match JSON Schema draft 2020-12 (https://json-schema.org/draft/2020-12). Learn more about tool use at https://docs.claude.com/en/docs/tool-use.",
        source: "github.com/anthropics/claude-code/issues/86664",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","input_schema":{"type":"object","properties":{"a":{"type":"str"}}}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-tools-all-deferred",
        check: |body| {
            let tools = tools(body);
            let deferred = |tool: &Tool<'_>| tool.value["defer_loading"] == true;
            (!tools.is_empty() && tools.iter().all(deferred)).then(Finding::default)
        },
        words: "At least one tool must have defer_loading=false. All tools cannot be deferred.",
        source: "github.com/nearai/ironclaw/pull/7274",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","defer_loading":true,"input_schema":{"type":"object"}}]}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-tool-reference-unknown",
        check: |body| {
            let tools = tools(body);
            let blocks = blocks(body);
            let mut named = blocks
                .iter()
                .filter(|block| block.kind == "tool_reference")
                .filter_map(|block| block.value["tool_name"].as_str());
            let name = named.find(|name| !tools.iter().any(|tool| tool.name() == *name))?;
            found("", name)
        },
        words: "Tool reference '{what}' not found in available tools",
        source: "platform.claude.com/docs/en/agents-and-tools/tool-use/tool-search-tool: every reference must have its definition",
        example: r#"{"model":"m","max_tokens":9,"tools":[{"name":"s","input_schema":{"type":"object"}}],"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"s","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t","content":[{"type":"tool_reference","tool_name":"f"}]}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-tools-missing",
        vendor: Vendor::MessagesClassic,
        check: |body| {
            let uses = |block: &super::walk::Block<'_>| {
                matches!(block.kind, "tool_use" | "tool_result") && !block.nested
            };
            let used = blocks(body).iter().any(uses);
            (used && body.get("tools").is_none()).then(Finding::default)
        },
        words: "Requests which include `tool_use` or `tool_result` blocks must define tools",
        source: "answers of 2024 as quoted in public issue reports; Anthropic itself is said to have dropped it",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"},{"role":"assistant","content":[{"type":"tool_use","id":"t","name":"f","input":{}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"t"}]}]}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-choice-not-object",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            if given(body, "tool_choice")?.is_object() { None } else { at("tool_choice") }
        },
        words: "{at}: Input should be a valid dictionary or object to extract fields from",
        source: "github.com/maximhq/bifrost/pull/55 has the rule",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":"auto"}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-choice-unknown",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let kind = super::walk::kind(given(body, "tool_choice")?);
            match kind {
                "auto" | "any" | "tool" | "none" => None,
                kind => found("tool_choice", kind),
            }
        },
        words: "{at}: Input tag '{what}' found using 'type' does not match any of the expected tags: 'any', 'auto', 'none', 'tool'",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"function","name":"f"}}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-choice-without-name",
        vendor: Vendor::MessagesEvery,
        check: |body| {
            let choice = given(body, "tool_choice")?;
            let missing = choice["type"] == "tool" && !choice["name"].is_string();
            if missing { at("tool_choice.tool.name") } else { None }
        },
        words: "{at}: Field required",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool"}}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-choice-member",
        check: |body| {
            let choice = given(body, "tool_choice")?;
            let (kind, has) = (super::walk::kind(choice), |name: &str| choice.get(name).is_some());
            let extra = match kind {
                "auto" | "any" if has("name") => "name",
                "none" if has("name") => "name",
                "none" if has("disable_parallel_tool_use") => "disable_parallel_tool_use",
                _ => return None,
            };
            at(format!("tool_choice.{kind}.{extra}"))
        },
        words: "{at}: Extra inputs are not permitted",
        source: "the request types of anthropic-2.11.0; github.com/anthropics/claude-code quotes the words",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"none","disable_parallel_tool_use":true}}"#,
        ..REPORTED
    },
    Rule {
        id: "anthropic-choice-without-tools",
        check: |body| {
            given(body, "tool_choice")?;
            tools(body).is_empty().then(Finding::default)
        },
        words: "tool_choice may only be specified while providing tools",
        source: "quoted in many public repositories that drop it",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tool_choice":{"type":"auto"}}"#,
        ..QUOTED
    },
    Rule {
        id: "anthropic-choice-of-unknown-tool",
        check: |body| {
            let choice = &body["tool_choice"];
            let name = choice["name"].as_str().filter(|_| choice["type"] == "tool")?;
            let known = tools(body).iter().any(|tool| tool.name() == name);
            if known { None } else { found("tool_choice", name) }
        },
        words: "Tool '{what}' not found in provided tools",
        source: "quoted in public repositories that downgrade servers' tools",
        example: r#"{"model":"m","max_tokens":9,"messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool","name":"g"}}"#,
        ..QUOTED
    },
];
