//! One conversation in three dialects, asked the same questions.

use serde_json::json;

use super::*;

fn conversation(dialect: Dialect) -> Sent {
    let url = "data:image/png;base64,AAAA";
    let body = match dialect {
        Dialect::Chat => json!({
            "tools": [{"type": "function", "function": {"name": "ns__add"}}],
            "messages": [
                {"role": "system", "content": "Be brief."},
                {"role": "user", "content": [{"type": "text", "text": "Look"},
                    {"type": "image_url", "image_url": {"url": url}}]},
                {"role": "assistant", "content": "Well", "reasoning_content": "hm", "tool_calls": [
                    {"id": "c1", "function": {"name": "ns__add", "arguments": "{\"a\":1}"}}]},
                {"role": "tool", "tool_call_id": "c1", "content": "one"},
            ],
        }),
        Dialect::Messages => json!({
            "tools": [{"name": "ns__add"}],
            "system": [{"type": "text", "text": "Be brief."}],
            "messages": [
                {"role": "user", "content": [{"type": "text", "text": "Look"}, {"type": "image",
                    "source": {"type": "base64", "media_type": "image/png", "data": "AAAA"}}]},
                {"role": "assistant", "content": [
                    {"type": "thinking", "thinking": "hm", "signature": "s"},
                    {"type": "text", "text": "Well"},
                    {"type": "tool_use", "id": "c1", "name": "ns__add", "input": {"a": 1}}]},
                {"role": "user", "content": [{"type": "tool_result", "tool_use_id": "c1",
                    "content": [{"type": "text", "text": "one"}]}]},
            ],
        }),
        Dialect::Responses => json!({
            "tools": [{"type": "namespace", "name": "ns",
                "tools": [{"type": "function", "name": "ns__add"}]}],
            "instructions": "Be brief.",
            "input": [
                {"role": "user", "content": [{"type": "input_text", "text": "Look"},
                    {"type": "input_image", "image_url": url}]},
                {"type": "reasoning", "summary": [{"type": "summary_text", "text": "hm"}]},
                {"type": "message", "role": "assistant",
                    "content": [{"type": "output_text", "text": "Well"}]},
                {"type": "function_call", "call_id": "c1", "name": "ns__add",
                    "arguments": "{\"a\":1}"},
                {"type": "function_call_output", "call_id": "c1", "output": "one"},
            ],
        }),
    };
    Sent { dialect, body }
}

#[test]
fn the_same_conversation_reads_the_same_in_every_dialect() {
    for sent in Dialect::ALL.map(conversation) {
        let dialect = sent.dialect;
        assert_eq!(sent.tools(), ["ns__add"], "{dialect:?}");
        assert!(sent.tool("add").is_some() && sent.tool("sub").is_none(), "{dialect:?}");
        assert_eq!(sent.instructions().trim(), "Be brief.", "{dialect:?}");
        assert_eq!(sent.said("user"), ["Look"], "{dialect:?}");
        assert_eq!(sent.said("assistant"), ["Well"], "{dialect:?}");
        assert_eq!(sent.calls(), [("c1", "ns__add", json!({"a": 1}))], "{dialect:?}");
        assert_eq!(sent.results(), [("c1", "one".to_owned())], "{dialect:?}");
        assert_eq!(sent.images(), ["data:image/png;base64,AAAA"], "{dialect:?}");
        assert_eq!(sent.reasoning(), ["hm"], "{dialect:?}");
    }
}
