//! The role `developer` of Chat Completions, which many servers that copy OpenAI's refuse. To OpenAI
//! it means what `system` means to everybody, so a body that is passed to such a server says `system`.

use crate::envelope::{Change, edited, edited_list};
use crate::json::{Kind, Tape, Value};

/// The Chat Completions request `body` with `system` for `developer`; nothing where that role does not
/// occur.
pub fn without_developer(body: &str) -> Option<String> {
    // Cheap, and mostly enough.
    memchr::memmem::find(body.as_bytes(), b"\"developer\"")?;
    let mut tape = Tape::default();
    let root = tape.read(body).ok()?;
    let list = root.get("messages").filter(|list| list.kind() == Kind::Array)?;
    let new: Vec<Option<String>> = list
        .elements()
        .map(|message| {
            let role = message.get("role").and_then(Value::as_str)?;
            if !role.is("developer") {
                return None;
            }
            let raw = message.raw();
            let mut tape = Tape::default();
            let message = tape.read(raw).ok()?;
            Some(edited(raw, message, &[("role", Change::Set("\"system\""))]))
        })
        .collect();
    if new.iter().all(Option::is_none) {
        return None;
    }
    let changes: Vec<_> = new.iter().map(|new| new.as_deref().map(Change::Set)).collect();
    let list = edited_list(list, &changes);
    Some(edited(body, root, &[("messages", Change::Set(&list))]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_role_changes() {
        let body = r#"{"x":1.0, "messages":[ {"content":"a \"developer\"","role" : "developer"},{"role":"user","content":"developer"} ],"y":[]}"#;
        let expected = r#"{"x":1.0, "messages":[ {"content":"a \"developer\"","role" : "system"},{"role":"user","content":"developer"} ],"y":[]}"#;
        assert_eq!(without_developer(body).as_deref(), Some(expected));
        assert_eq!(without_developer(expected), None);
        assert_eq!(without_developer(r#"{"messages":"developer","role":"developer"}"#), None);
    }
}
