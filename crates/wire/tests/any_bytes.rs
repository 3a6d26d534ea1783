//! The laws of the fuzz targets as properties: what clients and servers of each dialect say, with a
//! few bytes changed, in every direction; and bytes that nobody would say.

mod common;

use common::asked;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use serde_json::{Value, json};
use testkit::script::{Says, says};
use wire::dialect::Dialect;
use wire::drive::laws;

/// What a model says.
fn spoken() -> impl Strategy<Value = Says> {
    let call = ("[a-z \n\"é😀]{0,9}", any::<bool>()).prop_map(|(text, custom)| match custom {
        true => ("c", json!({"input": text})),
        false => ("f", json!({"a": text})),
    });
    let text = || prop::option::of("[a-z \n\"\\\\é😀]{0,20}");
    (text(), text(), prop::collection::vec(call, 0..3), 1..9_usize).prop_map(
        |(thought, text, calls, size)| {
            let mut says = says().delta(size).argument_pieces(size);
            if let Some(thought) = thought {
                says = says.reasoning(thought);
            }
            if let Some(text) = text {
                says = says.text(text);
            }
            for (number, (name, arguments)) in calls.into_iter().enumerate() {
                says = says.call(&format!("call_{number}"), name, arguments);
            }
            says
        },
    )
}

/// A few bytes that are not what they were, or are gone.
fn changes() -> impl Strategy<Value = Vec<(Index, Option<u8>)>> {
    let byte = prop_oneof![
        2 => any::<u8>().prop_map(Some),
        4 => select(b"\"\\{}[],:\n\r 0n".to_vec()).prop_map(Some),
        1 => Just(None),
    ];
    prop::collection::vec((any::<Index>(), byte), 0..3)
}

fn changed(mut bytes: Vec<u8>, changes: &[(Index, Option<u8>)]) -> Vec<u8> {
    for (at, byte) in changes {
        // Servers and clients say something, and what is cut keeps a byte.
        let at = at.index(bytes.len());
        match byte {
            Some(byte) => bytes[at] = *byte,
            None => bytes.truncate(at + 1),
        }
    }
    bytes
}

/// The other two dialects.
fn others(dialect: Dialect) -> impl Iterator<Item = Dialect> {
    Dialect::ALL.into_iter().filter(move |&other| other != dialect)
}

/// A request of a client of each dialect.
fn asking() -> impl Strategy<Value = (Dialect, Value)> {
    let chat = json!({
        "model": "m", "stream": true, "max_tokens": 9, "temperature": 0.5, "reasoning_effort": "low",
        "response_format": {"type": "json_object"},
        "tools": [{"type": "function", "function": {"name": "f", "parameters": {"type": "object"}}}],
        "messages": [
            {"role": "system", "content": "s"},
            {"role": "user", "content": [{"type": "text", "text": "é\n"}, {"type": "image_url", "image_url": {"url": "data:image/png;base64,AA=="}}]},
            {"role": "assistant", "content": null, "tool_calls": [{"id": "1", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
            {"role": "tool", "tool_call_id": "1", "content": "done"},
        ],
    });
    prop_oneof![
        asked::request().prop_map(|request| (Dialect::Responses, request)),
        Just((Dialect::Chat, chat)),
        Just((Dialect::Messages, common::messages::asking())),
    ]
}

/// The same dialect where servers are scripted.
const fn of_testkit(dialect: Dialect) -> testkit::Dialect {
    match dialect {
        Dialect::Chat => testkit::Dialect::Chat,
        Dialect::Responses => testkit::Dialect::Responses,
        Dialect::Messages => testkit::Dialect::Messages,
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn every_answer_ends_once_and_is_passed_as_it_came(
        says in spoken(),
        upstream in select(Dialect::ALL.to_vec()),
        whole in any::<bool>(),
        changes in changes(),
    ) {
        let request = json!({"model": "m", "stream": true, "reasoning": {"summary": "auto"}});
        let bytes = match whole {
            true => says.answered_in(of_testkit(upstream), &request),
            false => says.streamed_in(of_testkit(upstream), &request),
        };
        let bytes = changed(bytes, &changes);
        for client in others(upstream) {
            prop_assert_eq!(laws::ends_once(client, upstream, &bytes), Ok(()));
        }
        prop_assert_eq!(laws::passes(&bytes), Ok(()));
    }

    #[test]
    fn every_request_is_refused_or_becomes_json((client, request) in asking(), changes in changes()) {
        let bytes = changed(request.to_string().into_bytes(), &changes);
        for upstream in others(client) {
            for body in laws::bodies(client, upstream, &bytes) {
                prop_assert!(serde_json::from_str::<Value>(&body).is_ok(), "{body}");
            }
        }
    }

    #[test]
    fn bytes_that_nobody_says_keep_the_laws_too(
        bytes in prop::collection::vec(any::<u8>(), 0..200),
        text in "(data: ?|event: ?|\r?\n\n|[{}\\[\\]\",:]|\"(type|model|error|id)\":|\"m\"|choices|delta|message_start|message_stop|content_block_(start|delta|stop)|response\\.(completed|output_item\\.(added|done)|failed)|\\[DONE\\]|0|null){0,30}",
    ) {
        for bytes in [bytes.as_slice(), text.as_bytes()] {
            for upstream in Dialect::ALL {
                for client in others(upstream) {
                    prop_assert_eq!(laws::ends_once(client, upstream, bytes), Ok(()));
                }
            }
            prop_assert_eq!(laws::passes(bytes), Ok(()));
        }
    }
}
