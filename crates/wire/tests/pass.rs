//! Passing: whatever goes through comes out byte for byte, but for the model's name; what is read
//! aside is true; and an answer that is not whole is known to be none.

use proptest::prelude::*;
use wire::answer::Ending;
use wire::dialect::Dialect;
use wire::fault::{Fault, Kind};
use wire::pass::Tap;
use wire::turn::{Finish, Usage};

const LIMIT: usize = 1 << 20;

/// What goes out for these pieces, and the tap afterwards.
fn pass(dialect: Dialect, asked: &str, pieces: &[&[u8]]) -> (Vec<u8>, Tap) {
    let mut tap = Tap::new(dialect, asked, LIMIT);
    let mut out = Vec::new();
    for piece in pieces {
        tap.push(piece, &mut out).expect("no event is too large");
    }
    tap.end(Ending::Closed, &mut out);
    (out, tap)
}

fn fixture(name: &str) -> String {
    let path = format!("{}/../../corpus/fixtures/clients/{name}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read_to_string(path).expect("the fixture is in the repository")
}

const CHAT: &str = "data: {\"id\":\"c1\", \"model\" : \"m\",\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\"finish_reason\":null}]}\n\n: hello\n\ndata: {\"model\":\"m\",\"choices\":[{\"delta\":{\"content\":\"say \\\"model\\\":\\\"m\\\"\"}}],\"x\":1.50e1}\n\ndata: {\"model\":\"m\",\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\ndata: {\"model\":\"m\",\"choices\":[],\"usage\":{\"prompt_tokens\":5,\"completion_tokens\":7,\"total_tokens\":12}}\n\ndata: [DONE]\n\n";
const MESSAGES: &str = "event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"id\":\"msg_1\",\"model\":\"m\",\"usage\":{\"input_tokens\":3,\"cache_read_input_tokens\":10,\"output_tokens\":1}}}\n\nevent: ping\ndata: {\"type\": \"ping\"}\n\nevent: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"signature_delta\",\"signature\":\"sig\"}}\n\nevent: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"tool_use\",\"stop_sequence\":null},\"usage\":{\"output_tokens\":9}}\n\nevent: message_stop\ndata: {\"type\":\"message_stop\"}\n\n";

#[test]
fn a_chat_stream_keeps_every_byte_but_the_models_name() {
    let (out, tap) = pass(Dialect::Chat, "lab/m", &[CHAT.as_bytes()]);
    let expected = CHAT
        .replace("\"model\" : \"m\"", "\"model\" : \"lab/m\"")
        .replace("{\"model\":\"m\"", "{\"model\":\"lab/m\"");
    assert_eq!(String::from_utf8(out).unwrap(), expected);
    assert_eq!(tap.usage(), Some(Usage { input: 5, output: 7, ..Usage::default() }));
    assert_eq!(tap.finish(), Some(&Finish::Stop));
    assert!(tap.is_ended() && tap.is_generated() && tap.fault().is_none());
    let (same, _) = pass(Dialect::Chat, "m", &[CHAT.as_bytes()]);
    assert_eq!(String::from_utf8(same).unwrap(), CHAT);
}

#[test]
fn a_messages_stream_is_read_aside() {
    let (out, mut tap) = pass(Dialect::Messages, "m", &[MESSAGES.as_bytes()]);
    assert_eq!(out, MESSAGES.as_bytes());
    let usage = Usage { input: 13, cached: 10, output: 9, ..Usage::default() };
    assert_eq!(tap.usage(), Some(usage));
    assert_eq!(tap.finish(), Some(&Finish::Calls));
    assert_eq!(tap.take_sealed(), ["sig"]);
    assert_eq!(tap.place().id, "msg_1");
}

#[test]
fn a_recorded_codex_stream_is_passed_and_read() {
    let stream = fixture("codex/reasoning-encrypted.1.response.sse");
    let (out, mut tap) = pass(Dialect::Responses, "other", &[stream.as_bytes()]);
    let out = String::from_utf8(out).unwrap();
    assert!(
        out.contains("\"model\":\"other\"")
            || out.contains("\"model\": \"other\"")
            || out == stream
    );
    assert!(tap.is_ended() && tap.usage().is_some_and(|usage| usage.output > 0));
    assert!(!tap.take_sealed().is_empty());
}

#[test]
fn what_is_not_whole_is_known_to_be_none() {
    let cut = |dialect, text: &str, at: &str| {
        let mut tap = Tap::new(dialect, "m", LIMIT);
        let mut out = Vec::new();
        let end = text.find(at).expect("it is there");
        tap.push(&text.as_bytes()[..end], &mut out).unwrap();
        tap.end(Ending::Closed, &mut out).map(|fault| fault.kind)
    };
    assert_eq!(cut(Dialect::Messages, MESSAGES, "event: message_stop"), Some(Kind::Cut));
    assert_eq!(
        cut(Dialect::Chat, CHAT, "data: {\"model\":\"m\",\"choices\":[{\"delta\":{},"),
        Some(Kind::Cut)
    );
    assert_eq!(cut(Dialect::Chat, CHAT, "data: [DONE]"), None);
    let codex = fixture("codex/text-gpt-5.5.response.sse");
    assert_eq!(cut(Dialect::Responses, &codex, "event: response.completed"), Some(Kind::Cut));
}

#[test]
fn a_chat_stream_is_whole_when_every_choice_has_given_a_reason() {
    let chunk = |index: u64, reason: &str| {
        format!(
            "data: {{\"choices\":[{{\"index\":{index},\"delta\":{{\"content\":\"x\"}},\"finish_reason\":{reason}}}]}}\n\n"
        )
    };
    let (text, empty, stop) = ("null", "\"\"", "\"stop\"");
    for (chunks, whole) in [
        (vec![(0, text), (0, stop)], true),
        (vec![(0, stop), (0, text)], true),
        (vec![(0, empty), (0, empty)], false),
        (vec![(0, empty), (0, stop)], true),
        (vec![(0, text), (1, text), (0, stop)], false),
        (vec![(0, text), (1, text), (0, stop), (1, empty)], false),
        (vec![(0, text), (1, text), (1, stop), (0, stop)], true),
        (vec![], false),
    ] {
        let stream: String = chunks.iter().map(|(index, reason)| chunk(*index, reason)).collect();
        let mut tap = Tap::new(Dialect::Chat, "m", LIMIT);
        let mut out = Vec::new();
        tap.push(stream.as_bytes(), &mut out).unwrap();
        let untold = tap.end(Ending::Closed, &mut out).map(|fault| fault.kind);
        assert_eq!(untold, (!whole).then_some(Kind::Cut), "{stream}");
    }
}

#[test]
fn half_an_event_never_goes_out_when_the_stream_breaks() {
    let mut tap = Tap::new(Dialect::Messages, "m", LIMIT);
    let mut out = Vec::new();
    let half = MESSAGES.find("\"delta\"").unwrap();
    tap.push(&MESSAGES.as_bytes()[..half], &mut out).unwrap();
    assert!(tap.end(Ending::Closed, &mut out).is_some());
    assert!(out.ends_with(b"\n\n"));
}

#[test]
fn an_error_of_the_upstream_is_its_own_end() {
    let text = "event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":\"overloaded_error\",\"message\":\"Overloaded\"}}\n\n";
    let mut tap = Tap::new(Dialect::Messages, "m", LIMIT);
    let mut out = Vec::new();
    tap.push(text.as_bytes(), &mut out).unwrap();
    assert_eq!(out, text.as_bytes());
    assert_eq!(tap.end(Ending::Closed, &mut out), None);
    assert_eq!(tap.fault().map(|fault| fault.kind), Some(Kind::Overloaded));
    assert!(!tap.is_generated());
}

/// The first events of a response, to which `rest` is added.
fn responses(rest: &str) -> String {
    format!(
        "event: response.created\ndata: {{\"type\":\"response.created\",\"response\":{{\"id\":\"gen-1\",\"created_at\":5,\"store\":true,\"top_p\":0.5}},\"sequence_number\":0}}\n\nevent: response.output_text.delta\ndata: {{\"type\":\"response.output_text.delta\",\"delta\":\"\\\"sequence_number\\\":99\",\"sequence_number\": 7}}\n\n{rest}"
    )
}

#[test]
fn the_place_of_an_end_is_behind_the_last_event() {
    let (_, tap) = pass(Dialect::Responses, "m", &[responses("").as_bytes()]);
    let place = tap.place();
    assert_eq!((place.id.as_str(), place.created_at, place.sequence), ("gen-1", Some(5), 8));
    assert!(place.echo().contains("\"top_p\":0.5") && place.echo().contains("\"store\":true"));
    let long =
        responses("").replace("0.5", &format!("0.5,\"instructions\":\"{}\"", "x".repeat(5000)));
    let (_, tap) = pass(Dialect::Responses, "m", &[long.as_bytes()]);
    assert_eq!(tap.place().echo(), "", "what is long is not kept");
}

#[test]
fn a_bare_error_of_responses_is_no_end() {
    let error = "event: error\ndata: {\"type\":\"error\",\"code\":\"rate_limit_exceeded\",\"message\":\"slow\",\"sequence_number\":8}\n\n";
    let text = responses(error);
    let mut tap = Tap::new(Dialect::Responses, "m", LIMIT);
    let mut out = Vec::new();
    tap.push(text.as_bytes(), &mut out).unwrap();
    assert!(!tap.is_ended());
    let untold = tap.end(Ending::Closed, &mut out).map(|fault| (fault.kind, fault.message));
    assert_eq!(untold, Some((Kind::RateLimited, "slow".to_owned())));
    assert_eq!((out, tap.place().sequence), (text.into_bytes(), 9));
}

#[test]
fn nothing_after_an_error_is_an_answer() {
    let text = "data: {\"error\":{\"message\":\"busy\",\"code\":\"server_is_overloaded\"}}\n\ndata: {\"model\":\"m\",\"choices\":[{\"index\":0,\"delta\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n";
    let (out, tap) = pass(Dialect::Chat, "lab/m", &[text.as_bytes()]);
    assert!(!tap.is_generated() && tap.finish().is_none());
    assert_eq!(tap.fault().map(|fault| fault.kind), Some(Kind::Overloaded));
    assert_eq!(String::from_utf8(out).unwrap(), text.replace("\"m\"", "\"lab/m\""));
}

/// The same events with their data in several lines.
fn in_lines(stream: &str) -> String {
    let broken = stream.replace(",\"", ",\ndata:\ndata: \"").replace("\":{", "\":\r\ndata:  {");
    broken.replace("\" : \"", "\" :\ndata:\"")
}

#[test]
fn events_whose_data_stands_in_several_lines_are_read_and_keep_them() {
    let responses = responses(
        "event: response.completed\ndata: {\"type\":\"response.completed\",\"response\":{\"id\":\"gen-1\",\"model\":\"m\",\"status\":\"completed\",\"usage\":{\"input_tokens\":3,\"output_tokens\":4}},\"sequence_number\":8}\n\n",
    );
    for (dialect, stream) in [
        (Dialect::Chat, CHAT),
        (Dialect::Messages, MESSAGES),
        (Dialect::Responses, responses.as_str()),
    ] {
        let broken = in_lines(stream);
        assert_ne!(broken, stream);
        let (out, mut tap) = pass(dialect, "lab/m", &[broken.as_bytes()]);
        let (_, mut unbroken) = pass(dialect, "lab/m", &[stream.as_bytes()]);
        let named = stream.replace("\"model\" : \"m\"", "\"model\" : \"lab/m\"");
        let named = named.replace("\"model\":\"m\"", "\"model\":\"lab/m\"");
        assert_eq!(String::from_utf8(out).unwrap(), in_lines(&named));
        assert!(tap.is_ended() && tap.usage().is_some());
        assert_eq!(tap.usage(), unbroken.usage());
        assert_eq!(tap.finish(), unbroken.finish());
        assert_eq!(tap.take_sealed(), unbroken.take_sealed());
        let singly: Vec<&[u8]> = broken.as_bytes().chunks(1).collect();
        let (split, _) = pass(dialect, "lab/m", &singly);
        assert_eq!(String::from_utf8(split).unwrap(), in_lines(&named));
    }
}

#[test]
fn an_empty_name_of_an_event_that_waits_for_its_data_does_no_harm() {
    let begun = format!("data: {}\n\nevent: \n", "1".repeat(100));
    let (out, _) = pass(Dialect::Chat, "m", &[begun.as_bytes(), b"data: 2\n\n"]);
    assert_eq!(String::from_utf8(out).unwrap(), format!("{begun}data: 2\n\n"));
}

#[test]
fn a_last_event_without_its_blank_line_gets_the_models_name_too() {
    let chat = CHAT.strip_suffix("\n\ndata: [DONE]\n\n").unwrap();
    let responses = responses(
        "data: {\"type\":\"response.completed\",\"response\":{\"model\":\"m\",\"status\":\"completed\",\"usage\":{\"input_tokens\":5,\"output_tokens\":7}}}",
    );
    for (dialect, stream) in [(Dialect::Chat, chat), (Dialect::Responses, responses.as_str())] {
        for end in ["", "\n", "\r", "\r\n"] {
            let stream = format!("{stream}{end}");
            let (out, tap) = pass(dialect, "lab/m", &[stream.as_bytes()]);
            let expected = stream
                .replace("\"model\" : \"m\"", "\"model\" : \"lab/m\"")
                .replace("\"model\":\"m\"", "\"model\":\"lab/m\"");
            assert_eq!(String::from_utf8(out).unwrap(), expected);
            assert_eq!(tap.usage(), Some(Usage { input: 5, output: 7, ..Usage::default() }));
        }
    }
}

#[test]
fn half_a_chunk_behind_the_reason_never_goes_out() {
    let half = CHAT.find("\"usage\"").unwrap();
    let whole = CHAT[..half].rfind("data:").unwrap();
    let mut tap = Tap::new(Dialect::Chat, "m", LIMIT);
    let mut out = Vec::new();
    tap.push(&CHAT.as_bytes()[..half], &mut out).unwrap();
    let broken = Ending::Broken(Fault::new(Kind::Cut, "cut"));
    assert_eq!(tap.end(broken, &mut out), None);
    assert_eq!(String::from_utf8(out).unwrap(), CHAT[..whole]);
}

#[test]
fn a_byte_order_mark_hides_nothing() {
    let stream = format!("\u{feff}{MESSAGES}");
    for pieces in [vec![stream.as_bytes()], stream.as_bytes().chunks(1).collect()] {
        let (out, tap) = pass(Dialect::Messages, "lab/m", &pieces);
        let expected = stream.replace("\"model\":\"m\"", "\"model\":\"lab/m\"");
        assert_eq!(String::from_utf8(out).unwrap(), expected);
        assert_eq!(tap.place().id, "msg_1");
    }
    let unnamed = "\u{feff}data: {\"model\":\"m\",\"choices\":[{\"finish_reason\":\"stop\"}]}";
    let (out, tap) = pass(Dialect::Chat, "lab/m", &[unnamed.as_bytes()]);
    assert_eq!(String::from_utf8(out).unwrap(), unnamed.replace("\"m\"", "\"lab/m\""));
    assert_eq!(tap.finish(), Some(&Finish::Stop));
}

#[test]
fn a_whole_answer_keeps_number_text_and_order() {
    let body = "{\n \"z\": 1.0e2, \"model\" :\"m-2026\",\"id\":\"msg_1\",\"content\":[{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"s\"}],\"stop_reason\":\"stop_sequence\",\"stop_sequence\":\"X\",\"usage\":{\"input_tokens\":1,\"output_tokens\":2}}";
    let mut tap = Tap::new(Dialect::Messages, "lab/m", LIMIT);
    assert_eq!(tap.answer(body).unwrap(), body.replace("m-2026", "lab/m"));
    assert_eq!(tap.finish(), Some(&Finish::Sequence("X".to_owned())));
    assert_eq!(tap.take_sealed(), ["s"]);
    assert!(tap.answer("[]").is_err());
    assert!(tap.answer("{\"error\":{\"message\":\"no\"}}").is_err());
}

#[test]
fn an_unknown_member_of_an_answer_is_no_error() {
    for (dialect, body) in [
        (Dialect::Chat, r#"{"model":"m","choices":[],"message":"x"}"#),
        (Dialect::Messages, r#"{"model":"m","content":[],"message":"x","detail":null}"#),
        (Dialect::Responses, r#"{"model":"m","status":"completed","output":[],"detail":"x"}"#),
    ] {
        assert_eq!(Tap::new(dialect, "m", LIMIT).answer(body).as_deref(), Ok(body));
    }
}

#[test]
fn an_error_in_a_success_means_what_its_number_says() {
    let error = r#"{"error":{"code":429,"message":"slow"}}"#;
    for dialect in Dialect::ALL {
        for body in [error.to_owned(), format!("[{error}]")] {
            let fault = Tap::new(dialect, "m", LIMIT).answer(&body).unwrap_err();
            assert_eq!((fault.kind, fault.message.as_str()), (Kind::RateLimited, "slow"));
        }
        let (_, tap) = pass(dialect, "m", &[format!("data: {error}\n\n").as_bytes()]);
        assert_eq!(tap.fault().map(|fault| fault.kind), Some(Kind::RateLimited));
    }
}

#[test]
fn a_whole_response_that_failed_is_passed_and_known_to_have_failed() {
    for (status, error, kind) in [
        ("failed", r#"{"code":"rate_limit_exceeded","message":"slow"}"#, Kind::RateLimited),
        ("failed", "null", Kind::Upstream),
        ("cancelled", "null", Kind::Upstream),
    ] {
        let body = format!(
            r#"{{"object":"response","status":"{status}","error":{error},"model":"m","output":[],"usage":{{"input_tokens":3,"output_tokens":4}}}}"#
        );
        let mut tap = Tap::new(Dialect::Responses, "lab/m", LIMIT);
        assert_eq!(tap.answer(&body), Ok(body.replace("\"m\"", "\"lab/m\"")));
        assert_eq!(tap.fault().map(|fault| fault.kind), Some(kind), "{body}");
        assert_eq!(tap.usage(), Some(Usage { input: 3, output: 4, ..Usage::default() }));
    }
}

/// Streams of events that nobody knows, with the odd known one in between.
fn stream() -> impl Strategy<Value = String> {
    let line = prop_oneof![
        "event: [a-z_.]{1,20}",
        r#"data: \{"type":"[a-z_.]{1,12}","x":[0-9]{1,3}\.[0-9]{1,9}E\+[0-9],"é":"\\\\\\"[a-z]{0,5}","a":\[1, 2 ,null\]\}"#,
        r#"data: \{"model":"asked","choices":\[\{"delta":\{"content":"[a-z]{0,9}"\}\}\]\}"#,
        Just(r#"data: {"type":"message_start","message":{"model":"asked","new":{}}}"#.to_owned()),
        "data: .{0,20}",
        ": [a-z ]{0,9}",
        "[a-z]{1,5}: x",
        Just(String::new()),
        Just(String::new()),
    ];
    let end = prop_oneof![5 => Just("\n"), 2 => Just("\r\n"), 1 => Just("\r")];
    prop::collection::vec((line, end), 0..40)
        .prop_map(|lines| lines.into_iter().map(|(line, end)| format!("{line}{end}")).collect())
}

proptest! {
    #[test]
    fn unknown_events_survive_bit_by_bit_however_they_are_cut(
        text in stream(),
        cuts in prop::collection::vec(any::<prop::sample::Index>(), 0..8),
    ) {
        // A whole event at the end: what breaks off is not an event.
        let text = format!("{text}\n\n\n");
        let bytes = text.as_bytes();
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(bytes.len() + 1)).collect();
        cuts.extend([0, bytes.len()]);
        cuts.sort_unstable();
        let pieces: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
        let singly: Vec<&[u8]> = bytes.chunks(1).collect();
        for dialect in Dialect::ALL {
            for pieces in [&pieces, &singly] {
                let (out, _) = pass(dialect, "asked", pieces);
                prop_assert_eq!(String::from_utf8_lossy(&out), text.as_str());
            }
        }
    }

    #[test]
    fn splitting_changes_nothing_that_is_read(cut in 0..CHAT.len(), other in 0..MESSAGES.len()) {
        for (dialect, text, cut) in [(Dialect::Chat, CHAT, cut), (Dialect::Messages, MESSAGES, other)] {
            let (whole, one) = pass(dialect, "lab/m", &[text.as_bytes()]);
            let (split, two) = pass(dialect, "lab/m", &[&text.as_bytes()[..cut], &text.as_bytes()[cut..]]);
            prop_assert_eq!(whole, split);
            prop_assert_eq!(one.usage(), two.usage());
            prop_assert_eq!(one.finish(), two.finish());
            prop_assert_eq!(one.is_ended(), two.is_ended());
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic_nor_change(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        for dialect in Dialect::ALL {
            let mut tap = Tap::new(dialect, "asked", LIMIT);
            let mut out = Vec::new();
            tap.push(&bytes, &mut out).unwrap();
            tap.end(Ending::Closed, &mut out);
            // What broke off stays away; the rest is as it came.
            prop_assert!(bytes.starts_with(&out));
            let _ = tap.answer(&String::from_utf8_lossy(&bytes));
        }
    }
}
