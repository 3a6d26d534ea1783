//! Tool parameter schemas as servers accept them. A good schema travels as it
//! stands; only what servers refuse is mended, with a note.

use crate::json::{Escaped, Kind, Tape, Value};
use crate::note::{Code, Notes};
use crate::target::{Quirk, Target};
use crate::turn::Schema;
use std::borrow::Cow;

pub(crate) const NO_PARAMETERS: &str = r#"{"type":"object","properties":{}}"#;

/// The schema that is sent for `parameters`.
pub(crate) fn accepted<'a>(
    parameters: Option<Schema<'a>>,
    target: &Target,
    notes: &mut Notes,
) -> Cow<'a, str> {
    let Some(Schema { raw, rooted, flat, .. }) = parameters else {
        return Cow::Borrowed(NO_PARAMETERS);
    };
    let flat = flat || !target.has(Quirk::FlatRoots);
    let mentions = |word: &str| memchr::memmem::find(raw.as_bytes(), word.as_bytes()).is_some();
    let refs = target.has(Quirk::PlainRefs) && mentions("\"$ref\"");
    // Each array says what its items are, unless some does not.
    let count = |word: &str| memchr::memmem::find_iter(raw.as_bytes(), word.as_bytes()).count();
    let bare_array = || count("\"array\"") > count("\"items\"");
    let suspicious = refs || mentions("\"encrypted\"") || bare_array();
    if !suspicious && rooted && flat {
        return Cow::Borrowed(raw);
    }
    let mut tape = Tape::default();
    let Ok(value) = tape.read(raw) else { return Cow::Borrowed(raw) };
    if value.kind() != Kind::Object {
        notes.add(Code::SchemaRepaired, "tools[].parameters");
        return Cow::Borrowed(NO_PARAMETERS);
    }
    let mut mend = Mend { out: String::with_capacity(raw.len() + 32), notes, refs, changed: false };
    match flat {
        true => mend.root(value),
        false => mend.united(value),
    }
    if mend.changed { Cow::Owned(mend.out) } else { Cow::Borrowed(raw) }
}

struct Mend<'n> {
    out: String,
    notes: &'n mut Notes,
    refs: bool,
    changed: bool,
}

impl Mend<'_> {
    fn note(&mut self, code: Code, at: &'static str) {
        self.changed = true;
        self.notes.add(code, at);
    }

    /// The root must be of type `object` and list its properties (OpenAI refuses anything else).
    fn root(&mut self, value: Value<'_, '_>) {
        if Schema::of(value).rooted {
            return self.value(value, false);
        }
        let listed = value.get("properties").is_some_and(|list| list.kind() == Kind::Object);
        self.note(Code::SchemaRepaired, "tools[].parameters.type");
        self.out.push_str(r#"{"type":"object""#);
        if !listed {
            self.out.push_str(r#","properties":{}"#);
        }
        self.others(value, |key| key == "type" || (!listed && key == "properties"));
    }

    /// Ends a root with what it has beside the members that are `written`.
    fn others(&mut self, value: Value<'_, '_>, written: impl Fn(&str) -> bool) {
        for (key, member) in value.members().filter(|(key, _)| !written(key.escaped())) {
            if key.is("encrypted") && member.kind() == Kind::Bool {
                self.note(Code::EncryptedFlag, "tools[].parameters");
                continue;
            }
            self.out.push(',');
            self.member(key.escaped(), member, names_properties(&key));
        }
        self.out.push('}');
    }

    /// A root that is a choice: one object with the properties of every branch.
    fn united(&mut self, value: Value<'_, '_>) {
        let Merged { properties, required } = Merged::of(value, |_| true);
        self.note(Code::SchemaRepaired, "tools[].parameters");
        self.out.push_str(r#"{"type":"object","properties":{"#);
        for (index, (name, schema)) in properties.iter().enumerate() {
            if index > 0 {
                self.out.push(',');
            }
            self.member(name.escaped(), *schema, false);
        }
        self.out.push('}');
        write_required(&required, &mut self.out);
        self.others(value, |key| {
            matches!(key, "type" | "properties" | "required" | "enum" | "not")
                || UNIONS.contains(&key)
        });
    }

    /// Writes a value. `names` says that the members of this object are property names, which may
    /// be anything, and not schema keywords.
    fn value(&mut self, value: Value<'_, '_>, names: bool) {
        match value.kind() {
            Kind::Object => {
                let plain_ref = self.refs && !names && value.get("$ref").is_some();
                self.out.push('{');
                let mut first = true;
                for (key, member) in value.members() {
                    if !names && key.is("encrypted") && member.kind() == Kind::Bool {
                        self.note(Code::EncryptedFlag, "tools[].parameters");
                        continue;
                    }
                    if plain_ref && !key.is("$ref") {
                        self.note(Code::SchemaRepaired, "tools[].parameters.$ref");
                        continue;
                    }
                    if !std::mem::take(&mut first) {
                        self.out.push(',');
                    }
                    // Examples and constants are data, whatever they look like.
                    if !names
                        && ["default", "const", "enum", "examples"].iter().any(|data| key.is(data))
                    {
                        self.out.push('"');
                        self.out.push_str(key.escaped());
                        self.out.push_str("\":");
                        self.out.push_str(member.raw());
                        continue;
                    }
                    self.member(key.escaped(), member, !names && names_properties(&key));
                }
                if !names && !plain_ref && lacks_items(value) {
                    self.note(Code::SchemaRepaired, "tools[].parameters.items");
                    self.out.push_str(r#","items":{}"#);
                }
                self.out.push('}');
            }
            Kind::Array => {
                self.out.push('[');
                for (index, element) in value.elements().enumerate() {
                    if index > 0 {
                        self.out.push(',');
                    }
                    self.value(element, false);
                }
                self.out.push(']');
            }
            _ => self.out.push_str(value.raw()),
        }
    }

    fn member(&mut self, key: &str, value: Value<'_, '_>, names: bool) {
        self.out.push('"');
        self.out.push_str(key);
        self.out.push_str("\":");
        self.value(value, names);
    }
}

/// Keywords that make a schema of others.
pub(crate) const UNIONS: [&str; 3] = ["oneOf", "anyOf", "allOf"];

/// What a root that is a union comes to as one object.
pub(crate) struct Merged<'t, 'a> {
    pub(crate) properties: Vec<(Escaped<'a>, Value<'t, 'a>)>,
    pub(crate) required: Vec<Escaped<'a>>,
}

impl<'t, 'a> Merged<'t, 'a> {
    /// The properties of all branches that `keep` keeps, the first of each name, and what is
    /// required whichever branch is taken: what only one branch of a choice demands, the whole cannot.
    pub(crate) fn of(root: Value<'t, 'a>, keep: impl Fn(&Escaped<'_>) -> bool) -> Self {
        let branches = |unions: &'static [&'static str]| {
            let branches = unions.iter().filter_map(move |name| root.get(name));
            [root].into_iter().chain(branches.flat_map(Value::elements))
        };
        let mut properties: Vec<(Escaped<'a>, Value<'t, 'a>)> = Vec::new();
        let listed = branches(&UNIONS).filter_map(|schema| schema.get("properties"));
        for (name, schema) in listed.flat_map(Value::members) {
            if keep(&name) && !properties.iter().any(|(known, _)| *known == name) {
                properties.push((name, schema));
            }
        }
        let mut required: Vec<Escaped<'a>> = Vec::new();
        let names = branches(&["allOf"]).filter_map(|schema| schema.get("required"));
        for name in names.flat_map(Value::elements).filter_map(Value::as_str) {
            if properties.iter().any(|(known, _)| *known == name) && !required.contains(&name) {
                required.push(name);
            }
        }
        Self { properties, required }
    }
}

/// Writes the member `required` behind others, unless it would be empty.
pub(crate) fn write_required(names: &[Escaped<'_>], out: &mut String) {
    for (index, name) in names.iter().enumerate() {
        out.push_str(if index == 0 { ",\"required\":[\"" } else { ",\"" });
        out.push_str(name.escaped());
        out.push('"');
    }
    if !names.is_empty() {
        out.push(']');
    }
}

/// Whether the members of this keyword's object are names and not keywords.
fn names_properties(key: &Escaped<'_>) -> bool {
    ["properties", "$defs", "definitions", "patternProperties"].iter().any(|name| key.is(name))
}

/// An array that does not say of what: OpenAI and those who check like it refuse that.
fn lacks_items(schema: Value<'_, '_>) -> bool {
    schema.get("type").and_then(Value::as_str).is_some_and(|kind| kind.is("array"))
        && schema.get("items").is_none()
        && schema.get("prefixItems").is_none()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(raw: &str, quirks: &[Quirk]) -> (String, String) {
        let target = Target { quirks: quirks.to_vec(), ..Target::default() };
        let mut notes = Notes::default();
        let mut tape = Tape::default();
        let schema = Schema::of(tape.read(raw).unwrap());
        let out = accepted(Some(schema), &target, &mut notes).into_owned();
        (out, notes.header())
    }

    #[test]
    fn a_good_schema_is_not_touched() {
        let raw = r#"{ "type":"object", "properties":{"a":{"type":"number","maximum":1e3}} }"#;
        assert_eq!(mended(raw, &[]), (raw.to_owned(), String::new()));
    }

    #[test]
    fn the_encrypted_flag_goes_and_a_property_of_that_name_stays() {
        let raw = r#"{"type":"object","properties":{"encrypted":{"type":"boolean"},"m":{"type":"string","encrypted":true}}}"#;
        let out = r#"{"type":"object","properties":{"encrypted":{"type":"boolean"},"m":{"type":"string"}}}"#;
        assert_eq!(mended(raw, &[]), (out.to_owned(), "encrypted-flag".to_owned()));
    }

    #[test]
    fn a_root_that_is_no_object_becomes_one() {
        assert_eq!(mended("{}", &[]).0, NO_PARAMETERS);
        assert_eq!(mended("true", &[]).0, NO_PARAMETERS);
        let (out, notes) = mended(r#"{"type":["object","null"],"properties":{"a":{}}}"#, &[]);
        assert_eq!(out, r#"{"type":"object","properties":{"a":{}}}"#);
        assert_eq!(notes, "schema-repaired");
    }

    #[test]
    fn what_openai_demands_is_added_wherever_it_is_missing() {
        for (raw, out) in [
            (r#"{"type":"object"}"#, NO_PARAMETERS),
            (
                r#"{"properties":{"a":{"type":"object"}}}"#,
                r#"{"type":"object","properties":{"a":{"type":"object"}}}"#,
            ),
            (
                r#"{"type":"object","properties":{"type":{"type":"array"},"b":{"default":{"type":"array"}}}}"#,
                r#"{"type":"object","properties":{"type":{"type":"array","items":{}},"b":{"default":{"type":"array"}}}}"#,
            ),
        ] {
            assert_eq!(mended(raw, &[]), (out.to_owned(), "schema-repaired".to_owned()));
        }
    }

    #[test]
    fn a_root_that_is_a_choice_becomes_one_object_where_the_target_refuses_it() {
        for (raw, out) in [
            (
                r#"{"type":"object","properties":{"a":{}},"anyOf":[{"required":["a"]},{"properties":{"b":{"type":"string"}},"required":["b"]}]}"#,
                r#"{"type":"object","properties":{"a":{},"b":{"type":"string"}}}"#,
            ),
            (
                r#"{"allOf":[{"properties":{"a":{}},"required":["a"]}],"title":"t"}"#,
                r#"{"type":"object","properties":{"a":{}},"required":["a"],"title":"t"}"#,
            ),
            (
                r#"{"type":"object","properties":{"a":{}},"not":{"required":["a"]},"enum":[{"a":1}]}"#,
                r#"{"type":"object","properties":{"a":{}}}"#,
            ),
        ] {
            let mended_for_openai = mended(raw, &[Quirk::FlatRoots]);
            assert_eq!(mended_for_openai, (out.to_owned(), "schema-repaired".to_owned()));
            assert!(mended(raw, &[]).0.contains(&raw[raw.len() - 20..raw.len() - 1]), "{raw}");
        }
    }

    #[test]
    fn refs_lose_their_siblings_where_the_target_refuses_them() {
        let raw = r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/x","title":"t"}},"$defs":{"x":{}}}"##;
        let out = r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{}}}"##;
        assert_eq!(mended(raw, &[Quirk::PlainRefs]).0, out);
        assert_eq!(mended(raw, &[]).0, raw);
    }
}
