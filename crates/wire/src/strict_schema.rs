//! Which schemas OpenAI follows strictly: each object closed, each of its properties required
//! (OpenAI's guide to structured outputs). With any other schema a request that asks for
//! strictness is refused, although Anthropic follows some of them.

use crate::json::{Kind, Tape, Value};

/// Whether a server that is asked to follow `schema` strictly accepts it.
pub(crate) fn is_strict(schema: &str) -> bool {
    let mut tape = Tape::default();
    tape.read(schema).is_ok_and(holds)
}

fn holds(schema: Value<'_, '_>) -> bool {
    let kind = schema.get("type");
    let typed = kind.is_some_and(|kind| {
        let is = |kind: Value<'_, '_>| kind.as_str().is_some_and(|kind| kind.is("object"));
        is(kind) || kind.elements().any(is)
    });
    let properties = schema.get("properties").filter(|list| list.kind() == Kind::Object);
    if typed || properties.is_some() {
        let closed = schema.get("additionalProperties").and_then(Value::as_bool) == Some(false);
        let required = |name: &str| {
            schema
                .get("required")
                .into_iter()
                .flat_map(Value::elements)
                .any(|word| word.as_str().is_some_and(|word| word.text() == name))
        };
        let mut names = properties.into_iter().flat_map(Value::members);
        if !closed || !names.all(|(name, _)| required(&name.text())) {
            return false;
        }
    }
    let maps = ["properties", "$defs", "definitions"];
    let lists = ["anyOf", "allOf", "oneOf", "prefixItems"];
    let inside = schema.members().flat_map(|(name, value)| {
        let name = name.text();
        let in_map = maps.contains(&name.as_ref());
        let in_list = lists.contains(&name.as_ref());
        let alone = (name == "items").then_some(value);
        let map = value.members().filter(move |_| in_map).map(|(_, value)| value);
        map.chain(value.elements().filter(move |_| in_list)).chain(alone)
    });
    // As deep as the document nests, which is bounded.
    inside.filter(|schema| schema.kind() == Kind::Object).all(holds)
}

#[cfg(test)]
mod tests {
    use super::is_strict;

    #[test]
    fn a_schema_is_strict_only_when_every_object_is_closed_and_complete() {
        for (schema, strict) in [
            (r#"{"type":"object","properties":{},"additionalProperties":false}"#, true),
            (r#"{"type":"object","properties":{}}"#, false),
            (
                r#"{"type":"object","properties":{"a":{"type":"string"}},"required":["a"],"additionalProperties":false}"#,
                true,
            ),
            (
                r#"{"type":"object","properties":{"a":{"type":"string"}},"additionalProperties":false}"#,
                false,
            ),
            (
                r#"{"type":"object","properties":{"a":{"type":"array","items":{"type":"object"}}},"required":["a"],"additionalProperties":false}"#,
                false,
            ),
            (
                r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"required":["a"],"additionalProperties":false,"$defs":{"x":{"type":"object","properties":{}}}}"##,
                false,
            ),
            (
                r#"{"type":"object","properties":{"a":{"anyOf":[{"type":"null"},{"type":["object","null"],"properties":{}}]}},"required":["a"],"additionalProperties":false}"#,
                false,
            ),
            ("[]", true),
        ] {
            assert_eq!(is_strict(schema), strict, "{schema}");
        }
    }
}
