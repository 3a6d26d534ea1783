//! What a request wants of an endpoint, as far as it decides where it goes.

use wire::json::Value;

/// Whether a Responses request declares tools beyond those that every Responses server knows. The
/// servers that copy OpenAI's know functions; freeform tools and namespaces are OpenAI's own.
pub(super) fn more_than_functions(request: Value<'_, '_>) -> bool {
    let declared = |list: Option<Value<'_, '_>>| {
        list.into_iter().flat_map(Value::elements).any(|tool| {
            let kind = tool.get("type").and_then(Value::as_str).unwrap_or_default();
            ["custom", "namespace", "tool_search", "local_shell"].iter().any(|own| kind.is(own))
        })
    };
    let added = |item: Value<'_, '_>| {
        let kind = item.get("type").and_then(Value::as_str).unwrap_or_default();
        kind.is("additional_tools") || kind.is("custom_tool_call") || kind.is("tool_search_output")
    };
    declared(request.get("tools"))
        || request.get("input").into_iter().flat_map(Value::elements).any(added)
}

#[cfg(test)]
mod tests {
    use super::*;
    use wire::json::Tape;

    #[test]
    fn functions_are_nothing_special() {
        let wants = |text: &str| more_than_functions(Tape::default().read(text).unwrap());
        assert!(!wants(
            r#"{"input":"x","tools":[{"type":"function","name":"f"},{"type":"web_search"}]}"#
        ));
        assert!(wants(r#"{"input":"x","tools":[{"type":"custom","name":"apply_patch"}]}"#));
        assert!(wants(r#"{"input":[{"type":"additional_tools","tools":[]}]}"#));
    }
}
