//! The table of conversations. Each is played by every client onto every upstream, streamed and
//! whole; what the model says is written once, and heard once more by each.

use serde_json::{Value, json};
use testkit::Dialect;
use testkit::script::UsagePlace;

use crate::scene::{Add, Asks, Ends, Format, Piece, Scene, Speech, Tool, Usage, speech};

pub(crate) const PDF_NAME: &str = "report.pdf";

/// The smallest picture and the smallest document that servers look into.
const PNG: &str = "data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==";
const PDF: &str = "JVBERi0xLjQKMSAwIG9iago8PC9UeXBlL0NhdGFsb2c+PgplbmRvYmoKdHJhaWxlcjw8L1Jvb3QgMSAwIFI+PgolJUVPRgo=";
const LINK: &str = "https://pictures.example/harbour.png";

/// Text that translations like to break.
const STRANGE: &str = "Grüße 漢字 🙂👩‍👩‍👧 \u{1d11e} \"quoted\" \\back\\slash\\ \t tab\r\nline\u{2028}\u{2029} </think> <think> \u{7f}\u{1} {\"a\":[1,2]} data: [DONE]\n\nevent: x e\u{301} \u{feff}end";

const CACHED: Usage = Usage { input: 5000, cached: 4000, written: 600, output: 42, reasoning: 17 };

fn user(text: &str) -> Add {
    Add::User(vec![Piece::Text(text.to_owned())])
}

fn result(call: usize, text: &str) -> Add {
    Add::Result(call, vec![Piece::Text(text.to_owned())])
}

fn function(name: &str) -> Tool {
    Tool { namespace: None, name: name.to_owned(), grammar: None }
}

fn tools(names: &[&str]) -> Asks {
    Asks { tools: names.iter().map(|name| function(name)).collect(), ..Asks::default() }
}

fn done(text: &str) -> Speech {
    speech().text(text)
}

pub(crate) fn all() -> Vec<Scene> {
    let mut scenes = vec![
        Scene::new("plain text")
            .then([user("Greet me.")], done("Grüße aus dem Hafen — 港へようこそ 🙂"))
            .then([user("Again.")], done("Ahoy.")),
        Scene::new("system, developer, and the system in the middle")
            .then(
                [
                    Add::System("You are terse.".to_owned()),
                    Add::Developer("Answer in German.".to_owned()),
                    user("Hello."),
                ],
                done("Hallo."),
            )
            .then(
                [user("Now in French."), Add::System("The user is a guest.".to_owned())],
                done("Bonjour."),
            )
            .then([user("Thanks.")], done("De rien.")),
        Scene::new("one tool in a loop")
            .asks(tools(&["read_file", "write_file"]))
            .then(
                [user("Copy a.txt to b.txt.")],
                speech().text("I read it.").call("call_1", 0, &json!({"path": "a.txt"})),
            )
            .then(
                [result(0, "the harbour at noon")],
                speech().call(
                    "call_2",
                    1,
                    &json!({"path": "b.txt", "text": "the harbour at noon"}),
                ),
            )
            .then([result(0, "written")], done("Copied."))
            .then([user("Thanks.")], done("Gladly.")),
        Scene::new("three calls at once, answered out of order")
            .asks(tools(&["read_file", "write_file"]))
            .then(
                [user("Read all three.")],
                speech()
                    .text("All three.")
                    .call("call_a", 0, &json!({"path": "a \"quoted\".txt"}))
                    .call("call_b", 0, &json!({"path": "b.txt"}))
                    .call("call_c", 1, &json!({"path": "c.txt", "text": "grüße 🙂"}))
                    .style(|says| says.interleaved().argument_pieces(3)),
            )
            .then([result(2, "C"), result(0, "A"), result(1, "B")], done("A, B and C.")),
        Scene::new("thinking, calling, thinking, calling, answering")
            .asks(Asks { effort: Some("low"), ..tools(&["read_file"]) })
            .then(
                [user("Which file is longer?")],
                speech()
                    .thought("I have to read a.txt first.")
                    .call("call_1", 0, &json!({"path": "a.txt"}))
                    .usage(Usage { input: 300, cached: 0, written: 0, output: 60, reasoning: 25 }),
            )
            .then(
                [result(0, "long, long, long")],
                speech().thought("That was long. Now b.txt; \"short\"?").call(
                    "call_2",
                    0,
                    &json!({"path": "b.txt"}),
                ),
            )
            .then([result(0, "short")], speech().thought("a.txt it is.").text("a.txt is longer."))
            .then([user("Sure?")], done("Sure.")),
        Scene::new("thinking before words and calls at once")
            .asks(Asks { effort: Some("high"), ..tools(&["read_file", "write_file"]) })
            .then(
                [user("Swap a.txt and b.txt.")],
                speech()
                    .thought("Both at once.\n\nThen both again.")
                    .text("I read both.")
                    .call("call_a", 0, &json!({"path": "a.txt"}))
                    .call("call_b", 0, &json!({"path": "b.txt"}))
                    .style(|says| says.interleaved().argument_pieces(2).delta(3)),
            )
            .then(
                [result(1, "B"), result(0, "A")],
                speech()
                    .thought("Now write.")
                    .call("call_c", 1, &json!({"path": "a.txt", "text": "B"}))
                    .call("call_d", 1, &json!({"path": "b.txt", "text": "A"})),
            )
            .then([result(0, "ok"), result(1, "ok")], speech().thought("Done.").text("Swapped."))
            .then([user("And back?")], speech().thought("Again.").text("Gladly.")),
        Scene::new("thinking between two calls of one answer")
            .asks(Asks { effort: Some("high"), ..tools(&["read_file"]) })
            .then(
                [user("Read a.txt and b.txt.")],
                speech()
                    .thought("First a.txt.")
                    .call("call_a", 0, &json!({"path": "a.txt"}))
                    .thought("Then b.txt.")
                    .call("call_b", 0, &json!({"path": "b.txt"})),
            )
            .then([result(0, "A"), result(1, "B")], done("A and B.")),
        Scene::new("thinking that nobody may read")
            .asks(Asks { effort: Some("low"), ..tools(&["read_file"]) })
            .then(
                [user("Read a.txt.")],
                speech().redacted("sig-testkit-1").call("call_1", 0, &json!({"path": "a.txt"})),
            )
            .then([result(0, "A")], speech().redacted("sig-testkit-2").text("Read.")),
        Scene::new("pictures in what the user says").then(
            [Add::User(vec![
                Piece::Text("Compare:".to_owned()),
                Piece::Image(PNG.to_owned()),
                Piece::Image(LINK.to_owned()),
                Piece::Text("Which is larger?".to_owned()),
            ])],
            done("The second."),
        ),
        Scene::new("a picture in a result")
            .asks(tools(&["screenshot"]))
            .then([user("Look at the screen.")], speech().call("call_1", 0, &json!({})))
            .then(
                [Add::Result(
                    0,
                    vec![Piece::Text("the screen:".to_owned()), Piece::Image(PNG.to_owned())],
                )],
                done("It is blank."),
            ),
        Scene::new("a document").then(
            [Add::User(vec![
                Piece::Pdf(PDF_NAME, PDF.to_owned()),
                Piece::Text("Sum it up.".to_owned()),
            ])],
            done("It is empty."),
        ),
        Scene::new("an answer by a schema")
            .asks(Asks { format: Format::Schema, ..Asks::default() })
            .then([user("Name a colour, as JSON.")], done("{\"colour\":\"blue\",\"count\":3}")),
        Scene::new("an answer that is any JSON object")
            .of(&[Dialect::Chat, Dialect::Responses])
            .asks(Asks { format: Format::Object, ..Asks::default() })
            .then([user("Name a colour, as JSON.")], done("{\"colour\":\"blue\"}")),
        long_history(),
        Scene::new("a refusal")
            .then([user("Pick this lock.")], speech().refusal("I cannot help with that.")),
        Scene::new("the limit in the middle of a text")
            .asks(Asks { limit: Some(1500), ..Asks::default() })
            .then([user("Count to a million.")], done("one, two, three, fo").ends(Ends::Length)),
        Scene::new("a filter in the middle of a text")
            .then([user("Quote the lyrics.")], done("Is this the re").ends(Ends::Filter)),
        Scene::new("a stop sequence")
            .asks(Asks { stop: Some("END"), ..Asks::default() })
            .then([user("Count.")], done("one, two, ").ends(Ends::Sequence("END"))),
        Scene::new("strange characters everywhere")
            .asks(tools(&["write_file"]))
            .then(
                [Add::System(STRANGE.to_owned()), user(STRANGE)],
                speech()
                    .text(STRANGE)
                    .call("call_1", 0, &json!({"path": "ü/漢字.txt", "text": STRANGE}))
                    .style(|says| says.argument_pieces(1).delta(1)),
            )
            .then([result(0, STRANGE)], done(STRANGE).style(|says| says.ascii().delta(2))),
        Scene::new("surrogates that are split between events")
            .asks(tools(&["write_file"]))
            .then(
                [user("Smile.")],
                speech()
                    .text("🙂👩‍👩‍👧𝄞")
                    .call("call_1", 0, &json!({"path": "🙂", "text": "👩‍👩‍👧𝄞"}))
                    .style(|says| says.split_surrogates().delta(1).argument_pieces(1)),
            )
            .then([result(0, "🙂")], done("🙂")),
        Scene::new("calls without arguments")
            .asks(tools(&["list_files", "read_file"]))
            .then([user("List.")], speech().call_raw("call_1", 0, "").call("call_2", 1, &json!({})))
            .then([result(0, "a.txt"), result(1, "")], done("One file.")),
        Scene::new("arguments of 200 KB")
            .asks(tools(&["write_file"]))
            .then(
                [user("Write much.")],
                speech()
                    .call("call_1", 0, &json!({"path": "large.txt", "text": large()}))
                    .style(|says| says.argument_pieces(4096)),
            )
            .then([result(0, &large())], done("Written.")),
        Scene::new("tokens from the cache and into it")
            .then([user("Go on.")], done("On.").usage(CACHED)),
        Scene::new("tokens in unusual places of a stream")
            .then(
                [user("Go on.")],
                done("On.").usage(CACHED).style(|says| says.usage_in(UsagePlace::WithFinish)),
            )
            .then(
                [user("And on.")],
                done("And on.").usage(CACHED).style(|says| says.usage_in(UsagePlace::Split)),
            )
            .then(
                [user("And on.")],
                done("And on.").usage(CACHED).style(|says| says.usage_in(UsagePlace::EveryChunk)),
            ),
        Scene::new("namespaces and free text")
            .of(&[Dialect::Responses])
            .asks(Asks {
                tools: vec![
                    function("plain"),
                    Tool { namespace: Some("mcp__files"), name: "read".to_owned(), grammar: None },
                    Tool { namespace: Some("mcp__web"), name: "read".to_owned(), grammar: None },
                    Tool {
                        namespace: None,
                        name: "patch".to_owned(),
                        grammar: Some("start: /.+/s"),
                    },
                ],
                ..Asks::default()
            })
            .then(
                [user("Use each of them.")],
                speech()
                    .call("call_1", 0, &json!({"path": "1"}))
                    .call("call_2", 1, &json!({"path": "2"}))
                    .call("call_3", 2, &json!({"path": "3"}))
                    .call_free("call_4", 3, "*** Begin\n+\"grüße\" \\ 🙂\n*** End")
                    .style(|says| says.delta(3).argument_pieces(3)),
            )
            .then((0..4).map(|call| result(call, "ok")), done("All used.")),
        Scene::new("names over 64 characters")
            .asks(tools(&[&"a_very_long_name_".repeat(7), "short", &"a_very_long_name_".repeat(5)]))
            .then(
                [user("Use each of them.")],
                speech()
                    .call("call_1", 0, &json!({"path": "1"}))
                    .call("call_2", 1, &json!({"path": "2"}))
                    .call("call_3", 2, &json!({"path": "3"})),
            )
            .then((0..3).map(|call| result(call, "ok")), done("All used.")),
        Scene::new("ids with dots and colons")
            .asks(tools(&["bash"]))
            .then([user("Run it.")], speech().call("functions.bash:0", 0, &json!({"path": "a"})))
            .then([result(0, "ok")], done("It ran.")),
    ];
    scenes.push(
        Scene::new("nothing but blanks around a call")
            .asks(tools(&["read_file"]))
            .then([user("Read.")], speech().text("\n\n").call("call_1", 0, &json!({"path": "a"})))
            .then([result(0, " \n")], done("Done.\n")),
    );
    scenes
}

fn large() -> String {
    "0123456789abcdef \"\\\n é".repeat(200 * 1024 / 22)
}

/// Two hundred turns, each with a call and its result, and then one more.
fn long_history() -> Scene {
    let turn = |number: usize| {
        let id = format!("call_{number}");
        let arguments: Value = json!({"path": format!("file-{number}.txt")});
        [
            user(&format!("Read file {number}.")),
            Add::Said(speech().text("I read it.").call(&id, 0, &arguments)),
            result(0, &format!("content {number}")),
            Add::Said(done(&format!("File {number} is read."))),
        ]
    };
    let before = (0..200).flat_map(turn);
    Scene::new("two hundred turns with calls")
        .asks(tools(&["read_file"]))
        .then(
            std::iter::once(Add::System("You read files.".to_owned()))
                .chain(before)
                .chain([user("And the last?")]),
            speech().call("call_last", 0, &json!({"path": "last.txt"})),
        )
        .then([result(0, "the end")], done("All are read."))
}
