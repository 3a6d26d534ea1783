//! `${NAME}` in a value: the environment variable of that name.

use crate::document::{Reader, Severity, Spot};

/// Looks up an environment variable.
pub type Environment<'e> = dyn Fn(&str) -> Option<String> + 'e;

/// `text` with its variables filled in. Missing variables are reported; the text is never quoted,
/// for it may be a key.
pub fn fill(reader: &Reader, text: &Spot<String>, env: &Environment<'_>) -> Option<String> {
    let mut filled = String::with_capacity(text.value.len());
    let mut rest = text.value.as_str();
    let mut whole = true;
    while let Some((before, after)) = rest.split_once("${") {
        filled.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            reader.error(text, "`${` without its `}`");
            return None;
        };
        rest = after;
        if !is_name(name) {
            reader.error(text, "between `${` and `}` stands no variable name");
            return None;
        }
        match env(name) {
            Some(value) if !value.is_empty() => filled.push_str(&value),
            found => {
                let state = if found.is_some() { "empty" } else { "not set" };
                let message = format!("the environment variable `{name}` is {state}");
                let hint = format!("set it where quire starts, as in `export {name}=…`");
                reader.report(Severity::Error, text, message, Some(hint));
                whole = false;
            }
        }
    }
    filled.push_str(rest);
    whole.then_some(filled)
}

/// Whether a value is taken from the environment, at least in part.
pub fn has_variable(text: &str) -> bool {
    text.contains("${")
}

fn is_name(name: &str) -> bool {
    let mut letters = name.chars();
    letters.next().is_some_and(|c| c.is_ascii_alphabetic() || c == '_')
        && letters.all(|c| c.is_ascii_alphanumeric() || c == '_')
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    fn filled(text: &str) -> Result<String, String> {
        let reader = Reader::new(Path::new("t"), text);
        let spot = Spot { value: text.to_owned(), path: "k".to_owned(), span: 0..0 };
        let env = |name: &str| match name {
            "KEY" => Some("canary".to_owned()),
            "EMPTY" => Some(String::new()),
            _ => None,
        };
        fill(&reader, &spot, &env).ok_or_else(|| reader.finish()[0].message.clone())
    }

    #[test]
    fn variables_are_filled_in_or_named() {
        assert_eq!(filled("plain").as_deref(), Ok("plain"));
        assert_eq!(filled("a${KEY}b${KEY}").as_deref(), Ok("acanarybcanary"));
        assert_eq!(filled("$KEY }").as_deref(), Ok("$KEY }"));
        let table = [
            ("${NONE}", "the environment variable `NONE` is not set"),
            ("${EMPTY}", "the environment variable `EMPTY` is empty"),
            ("${KEY", "`${` without its `}`"),
            ("${sk-123}", "between `${` and `}` stands no variable name"),
            ("${}", "between `${` and `}` stands no variable name"),
        ];
        for (text, message) in table {
            assert_eq!(filled(text), Err(message.to_owned()), "{text}");
        }
    }
}
