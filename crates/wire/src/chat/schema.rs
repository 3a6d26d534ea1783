//! Tool parameter schemas as Chat Completions servers accept them. A good schema travels as it
//! stands; only what servers refuse is mended, with a note.

use super::target::{Quirk, Target};
use crate::json::{Kind, Tape, Value};
use crate::note::{Code, Notes};
use std::borrow::Cow;

const NO_PARAMETERS: &str = r#"{"type":"object","properties":{}}"#;

/// The schema that is sent for `parameters`.
pub(super) fn accepted<'a>(
    parameters: Option<&'a str>,
    target: &Target,
    notes: &mut Notes,
) -> Cow<'a, str> {
    let Some(raw) = parameters else { return Cow::Borrowed(NO_PARAMETERS) };
    let rooted = is_rooted(raw);
    let encrypted = memchr::memmem::find(raw.as_bytes(), b"\"encrypted\"").is_some();
    let refs = target.has(Quirk::PlainRefs)
        && memchr::memmem::find(raw.as_bytes(), b"\"$ref\"").is_some();
    if rooted && !encrypted && !refs {
        return Cow::Borrowed(raw);
    }
    let mut tape = Tape::default();
    let Ok(value) = tape.read(raw) else { return Cow::Borrowed(raw) };
    if value.kind() != Kind::Object {
        notes.add(Code::SchemaRepaired, "tools[].parameters");
        return Cow::Borrowed(NO_PARAMETERS);
    }
    let mut mend = Mend { out: String::with_capacity(raw.len() + 32), notes, refs };
    mend.root(value);
    Cow::Owned(mend.out)
}

/// Whether the root says that it is an object, in the form in which clients write it.
fn is_rooted(raw: &str) -> bool {
    let start = &raw.as_bytes()[..raw.len().min(64)];
    memchr::memmem::find(start, b"\"type\":\"object\"").is_some()
        || memchr::memmem::find(start, b"\"type\": \"object\"").is_some()
}

struct Mend<'n> {
    out: String,
    notes: &'n mut Notes,
    refs: bool,
}

impl Mend<'_> {
    /// The root must be of type `object` (OpenAI refuses anything else).
    fn root(&mut self, value: Value<'_, '_>) {
        let typed = value.get("type").and_then(Value::as_str).is_some_and(|kind| kind.is("object"));
        if typed {
            self.value(value, false);
            return;
        }
        self.notes.add(Code::SchemaRepaired, "tools[].parameters.type");
        self.out.push_str(r#"{"type":"object""#);
        if value.get("properties").is_none() {
            self.out.push_str(r#","properties":{}"#);
        }
        for (key, member) in value.members().filter(|(key, _)| !key.is("type")) {
            self.out.push(',');
            self.member(key.escaped(), member, key.is("properties"));
        }
        self.out.push('}');
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
                        self.notes.add(Code::EncryptedFlag, "tools[].parameters");
                        continue;
                    }
                    if plain_ref && !key.is("$ref") {
                        self.notes.add(Code::SchemaRepaired, "tools[].parameters.$ref");
                        continue;
                    }
                    if !std::mem::take(&mut first) {
                        self.out.push(',');
                    }
                    let inner = ["properties", "$defs", "definitions", "patternProperties"];
                    self.member(key.escaped(), member, !names && inner.iter().any(|name| key.is(name)));
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

#[cfg(test)]
mod tests {
    use super::*;

    fn mended(raw: &str, quirks: &[Quirk]) -> (String, String) {
        let target = Target { quirks: quirks.to_vec(), ..Target::default() };
        let mut notes = Notes::default();
        let out = accepted(Some(raw), &target, &mut notes).into_owned();
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
    fn refs_lose_their_siblings_where_the_target_refuses_them() {
        let raw = r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/x","title":"t"}},"$defs":{"x":{}}}"##;
        let out = r##"{"type":"object","properties":{"a":{"$ref":"#/$defs/x"}},"$defs":{"x":{}}}"##;
        assert_eq!(mended(raw, &[Quirk::PlainRefs]).0, out);
        assert_eq!(mended(raw, &[]).0, raw);
    }
}
