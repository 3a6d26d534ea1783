//! Schemas as Messages servers accept them, beyond what [`crate::schema`] mends for everybody. A
//! tool's schema may be no union at its root, must keep to the draft of 2020, and names its
//! properties plainly. What is followed strictly must close every object and may not use the
//! keywords of [`UNSUPPORTED`].

use crate::json::{Escaped, Kind, Tape, Value};
use crate::note::{Code, Notes};
use crate::schema::{Merged, UNIONS, write_required};
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

/// Whether a server that follows schemas strictly can follow this one. It knows no recursion (its
/// answer, as quoted in github.com/egonSchiele/agency-lang/issues/487), and its guide names the rest:
/// no look-around in patterns, and no enumeration of objects. Where an object is a map of any names,
/// it would have to stay empty, since strictly every object is closed.
pub(super) fn can_be_followed(schema: &str) -> bool {
    let mut tape = Tape::default();
    tape.read(schema).is_ok_and(|root| {
        Follower { root, under_way: vec!["#".to_owned()], followed: Vec::new() }.follows(root)
    })
}

struct Follower<'t, 'a> {
    root: Value<'t, 'a>,
    /// References that are being followed; to meet one again is recursion.
    under_way: Vec<String>,
    followed: Vec<String>,
}

impl<'t, 'a> Follower<'t, 'a> {
    fn follows(&mut self, schema: Value<'t, 'a>) -> bool {
        if schema.kind() != Kind::Object {
            return true;
        }
        if is_object(schema) && is_map(schema) {
            return false;
        }
        schema.members().all(|(key, value)| match key.escaped() {
            "$ref" => value.as_str().is_none_or(|to| self.refers(&to.text())),
            "pattern" => value.as_str().is_none_or(|pattern| !looks_around(&pattern.text())),
            "enum" => value.elements().all(|one| !matches!(one.kind(), Kind::Object | Kind::Array)),
            name if DATA.contains(&name) => true,
            // Definitions count where they are referred to.
            "$defs" | "definitions" => true,
            name if NAMING.contains(&name) => value.members().all(|(_, one)| self.follows(one)),
            _ => self.follows(value) && value.elements().all(|one| self.follows(one)),
        })
    }

    fn refers(&mut self, to: &str) -> bool {
        if self.under_way.iter().any(|one| one == to) {
            return false;
        }
        if self.followed.iter().any(|one| one == to) {
            return true;
        }
        let found = to.strip_prefix("#/").and_then(|path| {
            path.split('/').try_fold(self.root, |at, step| {
                let name = step.replace("~1", "/").replace("~0", "~");
                at.members().find(|(key, _)| key.text() == name).map(|(_, value)| value)
            })
        });
        // What it means by a reference elsewhere is for the server to say.
        let Some(found) = found else { return true };
        self.under_way.push(to.to_owned());
        let follows = self.follows(found);
        self.under_way.pop();
        self.followed.push(to.to_owned());
        follows
    }
}

/// Whether an object's schema allows names that it does not list, and lists none.
fn is_map(schema: Value<'_, '_>) -> bool {
    let lists = schema.get("properties").is_some_and(|list| list.members().next().is_some());
    match schema.get("additionalProperties") {
        Some(others) if others.kind() == Kind::Object => true,
        Some(others) => !lists && others.as_bool() != Some(false),
        None => !lists,
    }
}

fn looks_around(pattern: &str) -> bool {
    ["(?=", "(?!", "(?<=", "(?<!"].iter().any(|sign| pattern.contains(sign))
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
        let listed = [value]
            .into_iter()
            .chain(UNIONS.iter().filter_map(|name| value.get(name)).flat_map(Value::elements));
        let mut names =
            listed.filter_map(|schema| schema.get("properties")).flat_map(Value::members);
        self.changed |= UNIONS.iter().any(|name| value.get(name).is_some())
            || names.any(|(name, _)| !is_plain_property(&name));
        let Merged { properties, required } = Merged::of(value, is_plain_property);
        self.out.push('{');
        for (key, member) in value.members() {
            match key.escaped() {
                "properties" | "required" => {}
                name if UNIONS.contains(&name) => {}
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
        write_required(&required, &mut self.out);
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
    fn what_no_server_can_follow_strictly_is_told_apart() {
        for (schema, can) in [
            (r#"{"type":"object","properties":{"a":{"type":"string"}}}"#, true),
            (
                r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/x"},"b":{"$ref":"#/$defs/x"}},"$defs":{"x":{"type":"string"}}}"##,
                true,
            ),
            (
                r##"{"type":"object","properties":{"a":{"type":"array","items":{"$ref":"#"}}}}"##,
                false,
            ),
            (
                r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{"anyOf":[{"type":"null"},{"$ref":"#/$defs/y"}]},"y":{"items":{"$ref":"#/$defs/x"}}}}"##,
                false,
            ),
            (
                r#"{"type":"object","properties":{"a":{"type":"object","additionalProperties":{"type":"string"}}}}"#,
                false,
            ),
            (r#"{"type":"object","properties":{"a":{"type":"object"}}}"#, false),
            (
                r#"{"type":"object","properties":{"a":{"type":"object","additionalProperties":false}}}"#,
                true,
            ),
            (r#"{"type":"object","properties":{"a":{"pattern":"^(?!x)"}}}"#, false),
            (r#"{"type":"object","properties":{"a":{"enum":[{"b":1}]}}}"#, false),
            (
                r#"{"type":"object","properties":{"$ref":{"type":"string"},"pattern":{"default":"(?=x)"}}}"#,
                true,
            ),
        ] {
            assert_eq!(can_be_followed(schema), can, "{schema}");
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
