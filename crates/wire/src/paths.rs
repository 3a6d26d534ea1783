//! Where a thing stands in a request, in the words of each dialect. What reads a request names places
//! as its client does; what writes one knows the turn alone, whose words are those of Responses. So
//! a note of the writer is told again in the client's words.

use crate::dialect::Dialect;
use crate::fault::Fault;
use std::borrow::Cow;

/// `fault`, which what knows the turn alone found, with its place in the words of the client.
pub fn fault_told_to(dialect: Dialect, fault: Fault) -> Fault {
    let param = fault.param.map(|path| told_to(dialect, path.into()).into_owned());
    Fault { param, ..fault }
}

/// The place `path`, in words of Responses, as a client of `dialect` knows it.
pub(crate) fn told_to(dialect: Dialect, path: Cow<'static, str>) -> Cow<'static, str> {
    let words = match dialect {
        Dialect::Responses => return path,
        Dialect::Chat => CHAT,
        Dialect::Messages => MESSAGES,
    };
    let of = |(responses, own): &(&str, &'static str)| {
        let rest = path.strip_prefix(responses)?;
        match rest.as_bytes().first() {
            None => Some(Cow::Borrowed(*own)),
            Some(b'.' | b'[') => Some(Cow::Owned(format!("{own}{rest}"))),
            Some(_) => None,
        }
    };
    words.iter().find_map(of).unwrap_or(path)
}

/// Longer paths stand before their beginnings.
const CHAT: &[(&str, &str)] = &[
    ("input[].arguments", "messages[].tool_calls[].function.arguments"),
    ("input[].call_id", "messages[].tool_call_id"),
    ("input[].encrypted_content", "messages[].reasoning_details[]"),
    ("input[].reasoning", "messages[].reasoning_content"),
    ("input[].output[]", "messages[].content[]"),
    ("input[].content[].detail", "messages[].content[].image_url.detail"),
    ("input[]", "messages[]"),
    ("input", "messages"),
    ("max_output_tokens", "max_completion_tokens"),
    ("reasoning.effort", "reasoning_effort"),
    ("text.format.schema", "response_format.json_schema.schema"),
    ("text.format.strict", "response_format.json_schema.strict"),
    ("text.format", "response_format"),
    ("text.verbosity", "verbosity"),
    ("tool_choice.name", "tool_choice.function.name"),
    ("tools[].parameters", "tools[].function.parameters"),
    ("tools[].strict", "tools[].function.strict"),
];

const MESSAGES: &[(&str, &str)] = &[
    ("input[].arguments", "messages[].content[].input"),
    ("input[].call_id", "messages[].content[].tool_use_id"),
    ("input[].encrypted_content", "messages[].content[].signature"),
    ("input[].reasoning", "messages[].content[].thinking"),
    ("input[].output[]", "messages[].content[].content[]"),
    ("input[]", "messages[]"),
    ("input", "messages"),
    ("max_output_tokens", "max_tokens"),
    ("parallel_tool_calls", "tool_choice.disable_parallel_tool_use"),
    ("reasoning.effort", "output_config.effort"),
    ("stop", "stop_sequences"),
    ("text.format", "output_config.format"),
    ("tools[].parameters", "tools[].input_schema"),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn told(dialect: Dialect, path: &'static str) -> String {
        told_to(dialect, path.into()).into_owned()
    }

    #[test]
    fn a_place_is_told_in_the_words_of_the_client() {
        let path = "input[].content[]";
        assert_eq!(told(Dialect::Responses, path), path);
        assert_eq!(told(Dialect::Chat, path), "messages[].content[]");
        assert_eq!(told(Dialect::Messages, "input[].output[]"), "messages[].content[].content[]");
        assert_eq!(told(Dialect::Messages, "tools[].parameters.$ref"), "tools[].input_schema.$ref");
        // A name that only begins alike is another place.
        assert_eq!(told(Dialect::Messages, "stop_details"), "stop_details");
        assert_eq!(told(Dialect::Messages, "temperature"), "temperature");
    }

    #[test]
    fn no_row_hides_another() {
        for rows in [CHAT, MESSAGES] {
            for (index, (path, _)) in rows.iter().enumerate() {
                assert!(
                    !rows[..index].iter().any(|(before, _)| path.starts_with(before)),
                    "{path}"
                );
            }
        }
    }
}
