//! The two targets between which every decision must show, and the translation for one of them.

use crate::carrier::SEALED;
use serde_json::Value;
use wire::dialect::Dialect;
use wire::fates::Section;
use wire::fault::Fault;
use wire::json::Tape;
use wire::note::Notes;
use wire::target::{EffortMap, EffortRow, Member, Replay, Structured, Target, ToolChoices};
use wire::turn::{Effort, Opened, Sealed, Summary, Vault};

/// Knows the seals of this test, or none.
pub(crate) struct TestVault {
    pub(crate) opens: bool,
}

impl Vault for TestVault {
    fn seal(&self, _: Sealed, plain: &str) -> String {
        plain.to_owned()
    }

    fn open(&self, _: Sealed, sealed: &str) -> Opened {
        if self.opens && sealed == SEALED {
            Opened::Text("what was sealed".to_owned())
        } else {
            Opened::Foreign
        }
    }
}

/// A target, what it speaks, and whether what comes back sealed was sealed here.
pub(crate) struct Surroundings {
    pub(crate) dialect: Dialect,
    pub(crate) target: Target,
    pub(crate) vault: TestVault,
}

/// A target that understands nothing more than text and functions, but for what is needed to see
/// the fate of `path`.
pub(crate) fn bare(path: &str) -> Surroundings {
    let target = Target {
        late_system: false,
        max_output_tokens: Some(1000),
        tool_choice: ToolChoices { none: false, required: false, named: false },
        tools: path != "tools",
        // Its detail is told only of an image that is sent.
        images: path == "input_image.detail",
        accepts: Vec::new(),
        ..Target::default()
    };
    Surroundings { dialect: Dialect::Chat, target, vault: TestVault { opens: false } }
}

/// A target that understands everything.
pub(crate) fn rich() -> Surroundings {
    let rows = Effort::ALL.map(|effort| EffortRow {
        asked: effort,
        acts_as: effort,
        members: vec![Member {
            name: "reasoning_effort".to_owned(),
            json: format!("\"{}\"", effort.name()),
        }],
    });
    let accepts = [
        "parallel_tool_calls",
        "service_tier",
        "prompt_cache_key",
        "safety_identifier",
        "user",
        "metadata",
        "verbosity",
        "top_logprobs",
        "stream_options",
        "temperature",
        "top_p",
        "presence_penalty",
        "frequency_penalty",
        "stop",
        "seed",
        "store",
    ];
    let target = Target {
        images: true,
        tool_images: true,
        files: true,
        developer_role: true,
        late_system: true,
        max_output_tokens: None,
        structured: Structured::Schema,
        strict_tools: true,
        replay: Replay::ReasoningContent,
        efforts: EffortMap::new(rows.to_vec()).expect("the identity is monotone"),
        accepts: accepts.map(String::from).to_vec(),
        ..Target::default()
    };
    Surroundings { dialect: Dialect::Chat, target, vault: TestVault { opens: true } }
}

/// The target that understands `path` of `section`: no server that speaks Chat searches the web.
pub(crate) fn rich_for(section: Section, path: &str) -> Surroundings {
    let chat = rich();
    if section == Section::Tool && path.starts_with("web_search") {
        let target = Target { web_search: true, ..chat.target };
        return Surroundings { dialect: Dialect::Responses, target, ..chat };
    }
    chat
}

/// What came of one request.
#[derive(Debug, PartialEq)]
pub(crate) struct Done {
    pub(crate) body: Value,
    compact: bool,
    seal_reasoning: bool,
    summary: Summary,
}

pub(crate) fn translate(request: &Value, at: &Surroundings) -> (Result<Done, Fault>, Notes) {
    let mut notes = Notes::default();
    let text = request.to_string();
    let mut tape = Tape::default();
    let done =
        wire::responses::parse(tape.read(&text).expect("JSON"), &mut notes).and_then(|turn| {
            let render = match at.dialect {
                Dialect::Responses => wire::responses::render,
                Dialect::Chat | Dialect::Messages => wire::chat::render,
            };
            let rendered = render(&turn, &at.target, &at.vault, String::new(), &mut notes)?;
            Ok(Done {
                body: serde_json::from_str(&rendered.body).expect("quire writes JSON"),
                compact: turn.settings.compact,
                seal_reasoning: turn.settings.seal_reasoning,
                summary: turn.settings.summary,
            })
        });
    (done, notes)
}
