//! Schemas as Messages servers accept them, beyond what [`crate::schema`] mends for everybody. A
//! tool's schema may be no union at its root, must keep to the draft of 2020, and names its
//! properties plainly. What is followed strictly must close every object and may not use the
//! keywords of [`UNSUPPORTED`].

use crate::json::{Escaped, Kind, Tape, Value};
use crate::note::{Code, Notes};
use crate::turn::is_plain_property;
use memchr::memmem::Finder;
use std::borrow::Cow;
use std::sync::LazyLock;

/// Keywords that structured outputs do not have (platform.claude.com, "Structured outputs", "JSON
/// Schema limitations").
const UNSUPPORTED: [&str; 9] = [
    "minimum",
    "maximum",
    "exclusiveMinimum",
    "exclusiveMaximum",
    "multipleOf",
    "minLength",
    "maxLength",
    "maxItems",
    "uniqueItems",
];
const UNIONS: [&str; 3] = ["oneOf", "anyOf", "allOf"];
/// Keywords whose members are named by the schema's author.
const NAMING: [&str; 5] =
    ["properties", "$defs", "definitions", "patternProperties", "dependentSchemas"];
/// Keywords whose value is data, whatever it looks like.
const DATA: [&str; 4] = ["default", "const", "enum", "examples"];

/// The schema of a tool. `plain` is [`crate::turn::Schema::plain`].
pub(super) fn of_tool<'a>(
    schema: Cow<'a, str>,
    plain: bool,
    strict: bool,
    notes: &mut Notes,
) -> Cow<'a, str> {
    if plain && !strict && !is_suspicious(&schema) {
        return schema;
    }
    mended(&schema, true, strict, "tools[].parameters", notes).map_or(schema, Cow::Owned)
}

/// The schema of an answer, which is followed strictly.
pub(super) fn of_answer<'a>(schema: &'a str, notes: &mut Notes) -> Cow<'a, str> {
    mended(schema, false, true, "text.format.schema", notes)
        .map_or(Cow::Borrowed(schema), Cow::Owned)
}

/// Whether the text could hold something of an older draft, or `null` for nothing.
fn is_suspicious(schema: &str) -> bool {
    // To prepare a search costs as much as to search a schema.
    static WORDS: LazyLock<[Finder<'static>; 3]> =
        LazyLock::new(|| ["null", "\"exclusiveM", "\"items\""].map(Finder::new));
    let [null, bound, items] = &*WORDS;
    let text = schema.as_bytes();
    let tuple = || {
        items.find_iter(text).any(|at| {
            let rest = schema[at + items.needle().len()..].trim_start().strip_prefix(':');
            rest.is_some_and(|rest| rest.trim_start().starts_with('['))
        })
    };
    null.find(text).is_some() || bound.find(text).is_some() || tuple()
}

/// The mended schema; none where nothing was wrong with it.
fn mended(
    schema: &str,
    of_tool: bool,
    strict: bool,
    at: &'static str,
    notes: &mut Notes,
) -> Option<String> {
    let mut tape = Tape::default();
    let value = tape.read(schema).ok()?;
    let mut mend = Mend { out: String::with_capacity(schema.len() + 32), strict, changed: false };
    match of_tool {
        true => mend.root(value),
        false => mend.schema(value),
    }
    if mend.changed {
        notes.add(Code::SchemaRepaired, at);
    }
    mend.changed.then_some(mend.out)
}

struct Mend {
    out: String,
    strict: bool,
    changed: bool,
}

impl Mend {
    fn key(&mut self, key: &str) {
        if !self.out.ends_with('{') {
            self.out.push(',');
        }
        self.out.push('"');
        self.out.push_str(key);
        self.out.push_str("\":");
    }

    /// A tool's root: one object, with the properties of every branch that it was a union of.
    fn root(&mut self, value: Value<'_, '_>) {
        let member = |name: &str| value.get(name);
        let branches: Vec<Value<'_, '_>> =
            UNIONS.iter().filter_map(|name| member(name)).flat_map(Value::elements).collect();
        let unions = UNIONS.iter().any(|name| member(name).is_some());
        let all = [value].into_iter().chain(branches);
        let listed = all.filter_map(|schema| schema.get("properties")).flat_map(Value::members);
        let mut properties: Vec<(Escaped<'_>, Value<'_, '_>)> = Vec::new();
        for (name, schema) in listed {
            if !is_plain_property(&name) {
                self.changed = true;
            } else if !properties.iter().any(|(known, _)| *known == name) {
                properties.push((name, schema));
            }
        }
        self.changed |= unions;
        self.out.push('{');
        for (key, member) in value.members() {
            match key.escaped() {
                "properties" | "required" | "oneOf" | "anyOf" | "allOf" => {}
                _ => self.keyword(&key, member),
            }
        }
        self.key("properties");
        self.out.push('{');
        for (name, schema) in &properties {
            self.key(name.escaped());
            self.schema(*schema);
        }
        self.out.push('}');
        // What only one branch of a choice demands, the whole cannot.
        let demands = [Some(value)]
            .into_iter()
            .chain(member("allOf").into_iter().flat_map(Value::elements).map(Some));
        let names = demands.flatten().filter_map(|schema| schema.get("required"));
        let mut required: Vec<Escaped<'_>> = Vec::new();
        for name in names.flat_map(Value::elements).filter_map(Value::as_str) {
            if properties.iter().any(|(known, _)| *known == name) && !required.contains(&name) {
                required.push(name);
            }
        }
        if !required.is_empty() {
            self.key("required");
            for (index, name) in required.iter().enumerate() {
                self.out.push_str(if index == 0 { "[\"" } else { ",\"" });
                self.out.push_str(name.escaped());
                self.out.push('"');
            }
            self.out.push(']');
        }
        self.close(value);
    }

    fn schema(&mut self, value: Value<'_, '_>) {
        match value.kind() {
            Kind::Object => {
                self.out.push('{');
                for (key, member) in value.members() {
                    self.keyword(&key, member);
                }
                self.close(value);
            }
            Kind::Bool => self.out.push_str(value.raw()),
            // Nothing else is a schema; this one allows everything.
            _ => {
                self.changed = true;
                self.out.push_str("{}");
            }
        }
    }

    /// Ends an object's schema. One that is followed strictly allows nothing that it does not name.
    fn close(&mut self, value: Value<'_, '_>) {
        if self.strict && is_object(value) {
            let closed = value.get("additionalProperties").and_then(Value::as_bool) == Some(false);
            self.changed |= !closed;
            self.key("additionalProperties");
            self.out.push_str("false");
        }
        self.out.push('}');
    }

    fn keyword(&mut self, key: &Escaped<'_>, value: Value<'_, '_>) {
        let name = key.escaped();
        let is_bound = |name: &str| name == "exclusiveMinimum" || name == "exclusiveMaximum";
        let dropped = match name {
            name if DATA.contains(&name) => false,
            _ if value.is_null() => true,
            // In the fourth draft it said that the bound beside it is excluded.
            name if is_bound(name) && value.kind() == Kind::Bool => true,
            "required" => value.kind() != Kind::Array,
            name if self.strict && UNSUPPORTED.contains(&name) => true,
            "minItems" if self.strict => value.as_u64().is_none_or(|least| least > 1),
            _ => false,
        };
        if dropped {
            self.changed = true;
            return;
        }
        match (name, value.kind()) {
            (name, _) if DATA.contains(&name) => {
                self.key(name);
                self.out.push_str(value.raw());
            }
            // Written at the end.
            ("additionalProperties", _) if self.strict => {}
            (name, Kind::Object) if NAMING.contains(&name) => {
                self.key(name);
                self.out.push('{');
                for (name, schema) in value.members() {
                    self.key(name.escaped());
                    self.schema(schema);
                }
                self.out.push('}');
            }
            ("items", Kind::Array) => {
                self.changed = true;
                self.list("prefixItems", value);
            }
            ("oneOf", Kind::Array) if self.strict => {
                self.changed = true;
                self.list("anyOf", value);
            }
            ("oneOf" | "anyOf" | "allOf" | "prefixItems", Kind::Array) => self.list(name, value),
            ("items" | "not" | "if" | "then" | "else" | "contains" | "propertyNames", _)
            | ("additionalProperties" | "additionalItems", Kind::Object) => {
                self.key(name);
                self.schema(value);
            }
            _ => {
                self.key(name);
                self.out.push_str(value.raw());
            }
        }
    }

    fn list(&mut self, name: &str, schemas: Value<'_, '_>) {
        self.key(name);
        self.out.push('[');
        for (index, schema) in schemas.elements().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.schema(schema);
        }
        self.out.push(']');
    }
}

/// Whether a schema is about objects.
fn is_object(schema: Value<'_, '_>) -> bool {
    let named = |value: Value<'_, '_>| value.as_str().is_some_and(|kind| kind.is("object"));
    schema.get("type").is_some_and(|kind| named(kind) || kind.elements().any(named))
        || schema.get("properties").is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turn::Schema;

    fn tool(raw: &str, strict: bool) -> (String, String) {
        let mut notes = Notes::default();
        let mut tape = Tape::default();
        let plain = Schema::of(tape.read(raw).expect("it is JSON")).plain;
        let out = of_tool(Cow::Borrowed(raw), plain, strict, &mut notes).into_owned();
        (out, notes.header())
    }

    #[test]
    fn a_good_schema_is_not_touched() {
        for raw in [
            r#"{ "type":"object", "properties":{"a":{"type":"array","items": {"type":"number"}}}, "required":["a"] }"#,
            r#"{"type":"object","properties":{"a":{"anyOf":[{"type":"string"},{"type":"number"}]}}}"#,
            r#"{"type":"object","properties":{"a":{"type":["string","null"],"default":null}}}"#,
        ] {
            assert_eq!(tool(raw, false), (raw.to_owned(), String::new()));
        }
    }

    #[test]
    fn a_root_that_is_a_union_becomes_one_object() {
        for (raw, out) in [
            (
                r#"{"type":"object","properties":{"a":{},"b":{}},"anyOf":[{"required":["a"]},{"required":["b"]}]}"#,
                r#"{"type":"object","properties":{"a":{},"b":{}}}"#,
            ),
            (
                r#"{"type":"object","properties":{},"oneOf":[{"properties":{"a":{"type":"string"}},"required":["a"]},{"properties":{"a":{},"b":{}}}]}"#,
                r#"{"type":"object","properties":{"a":{"type":"string"},"b":{}}}"#,
            ),
            (
                r#"{"type":"object","required":["a"],"properties":{"a":{}},"allOf":[{"properties":{"b":{}},"required":["b","c"]}]}"#,
                r#"{"type":"object","properties":{"a":{},"b":{}},"required":["a","b"]}"#,
            ),
        ] {
            assert_eq!(tool(raw, false), (out.to_owned(), "schema-repaired".to_owned()), "{raw}");
        }
    }

    #[test]
    fn names_and_keywords_that_are_refused_are_left_out() {
        for (raw, out) in [
            (
                r#"{"type":"object","properties":{"größe":{},"a b":{},"ok":{}},"required":["größe","ok"]}"#,
                r#"{"type":"object","properties":{"ok":{}},"required":["ok"]}"#,
            ),
            (
                r#"{"type":"object","properties":{"a":{"type":"array","items":[{"type":"string"}],"description":null}}}"#,
                r#"{"type":"object","properties":{"a":{"type":"array","prefixItems":[{"type":"string"}]}}}"#,
            ),
            (
                r#"{"type":"object","properties":{"a":{"minimum":1,"exclusiveMinimum":true},"b":null}}"#,
                r#"{"type":"object","properties":{"a":{"minimum":1},"b":{}}}"#,
            ),
        ] {
            assert_eq!(tool(raw, false), (out.to_owned(), "schema-repaired".to_owned()), "{raw}");
        }
    }

    #[test]
    fn what_is_followed_strictly_is_closed_and_without_bounds() {
        let raw = r#"{"type":"object","properties":{"a":{"type":"integer","minimum":1},"b":{"type":"array","minItems":2,"items":{"type":"object","additionalProperties":true}},"c":{"oneOf":[{"const":{"minimum":1}},{"type":"null"}]}},"additionalProperties":false}"#;
        let out = r#"{"type":"object","properties":{"a":{"type":"integer"},"b":{"type":"array","items":{"type":"object","additionalProperties":false}},"c":{"anyOf":[{"const":{"minimum":1}},{"type":"null"}]}},"additionalProperties":false}"#;
        let mut notes = Notes::default();
        assert_eq!(of_answer(raw, &mut notes), out);
        assert_eq!(notes.header(), "schema-repaired");
        assert_eq!(tool(raw, true).0, out);
        assert!(matches!(of_answer(out, &mut Notes::default()), Cow::Borrowed(_)));
    }
}
