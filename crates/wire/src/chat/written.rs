//! The closed world of what quire writes to Chat Completions servers: for each member of the
//! dialect's request whether quire writes it, and from what. `tests/world.rs` holds the list
//! against `corpus/world/chat.txt` and against what the encoder writes.

use crate::written::{Row, Section, Use, nearest, row};

use Section::{Field, Part, Role, Tool};
use Use::{Accepted, Never, Recorded, Written};

const OLDER: Use = Never("the older form of `tools`");
const FUNCTIONS_ONLY: Use = Never("every tool is a function, which all servers know");
const NAMES: Use = Never("no other dialect has names of speakers");
const NO_SOURCE: Use = Never("no other dialect has it");
const CACHE_MARK: Use = Never("OpenAI's own; automatic caches need no marks");

/// Every decision.
pub const ROWS: &[Row] = &[
    row(Field, "model", Written("the upstream's own name of the model")),
    row(Field, "messages", Written("`instructions` and `input`")),
    row(Field, "tools", Written("`tools`, `additional_tools` and what a tool search found")),
    row(Field, "tool_choice", Written("`tool_choice`")),
    row(Field, "tool_choice.allowed_tools", Never("only the allowed tools are declared")),
    row(Field, "tool_choice.custom", FUNCTIONS_ONLY),
    row(Field, "parallel_tool_calls", Accepted("`parallel_tool_calls`")),
    row(Field, "response_format", Written("`text.format`")),
    row(Field, "verbosity", Accepted("`text.verbosity`")),
    row(Field, "max_tokens", Written("`max_output_tokens`")),
    row(Field, "max_completion_tokens", Written("`max_output_tokens`")),
    row(Field, "temperature", Accepted("`temperature`")),
    row(Field, "top_p", Accepted("`top_p`")),
    row(Field, "presence_penalty", Accepted("`presence_penalty`")),
    row(Field, "frequency_penalty", Accepted("`frequency_penalty`")),
    row(Field, "service_tier", Accepted("`service_tier`")),
    row(
        Field,
        "prompt_cache_key",
        Accepted("`prompt_cache_key`, else a hash of the conversation's name"),
    ),
    row(Field, "safety_identifier", Accepted("`safety_identifier`")),
    row(Field, "user", Accepted("`user`")),
    row(Field, "stream", Written("`stream`")),
    row(Field, "stream_options", Accepted("`stream`: usage is wanted always")),
    row(
        Field,
        "stream_options.include_obfuscation",
        Never("padding is of no use on the user's own machine"),
    ),
    row(Field, "reasoning_effort", Recorded("`reasoning.effort`")),
    row(Field, "audio", NO_SOURCE),
    row(Field, "modalities", NO_SOURCE),
    row(Field, "function_call", OLDER),
    row(Field, "functions", OLDER),
    row(Field, "logit_bias", NO_SOURCE),
    row(Field, "logprobs", Never("Responses answers of translated models carry none")),
    row(Field, "top_logprobs", Never("Responses answers of translated models carry none")),
    row(Field, "metadata", Never("meant for OpenAI's storage; echoed in the answer")),
    row(Field, "moderation", Never("OpenAI's own")),
    row(Field, "n", Never("one answer is wanted")),
    row(Field, "prediction", NO_SOURCE),
    row(Field, "prompt_cache_options", Never("OpenAI's own")),
    row(Field, "prompt_cache_retention", Never("OpenAI's own")),
    row(Field, "seed", NO_SOURCE),
    row(Field, "stop", Accepted("`stop_sequences` of the Messages dialect")),
    row(Field, "store", Never("nothing is kept on a server")),
    row(Field, "web_search_options", Never("OpenAI's own; hosted tools get a note")),
    // Messages.
    row(Role, "system", Written("`instructions`, system and developer messages")),
    row(Role, "system.name", NAMES),
    row(Role, "developer", Written("as `system`, where the record says `developer_role`")),
    row(Role, "developer.name", NAMES),
    row(Role, "user", Written("user and agent messages, summaries, images of tool results")),
    row(Role, "user.name", NAMES),
    row(Role, "assistant", Written("assistant messages and calls")),
    row(Role, "assistant.name", NAMES),
    row(Role, "assistant.audio", NO_SOURCE),
    row(Role, "assistant.function_call", OLDER),
    row(Role, "assistant.refusal", Never("a refusal goes back as text, which all servers know")),
    row(Role, "assistant.tool_calls.custom", FUNCTIONS_ONLY),
    row(Role, "assistant.reasoning_content", Recorded("reasoning of earlier turns")),
    row(Role, "assistant.reasoning", Recorded("reasoning of earlier turns")),
    row(Role, "assistant.reasoning_details", Recorded("reasoning of earlier turns")),
    row(Role, "tool", Written("outputs of calls")),
    row(Role, "function", OLDER),
    // Parts.
    row(Part, "text", Written("text beside images and files")),
    row(Part, "text.prompt_cache_breakpoint", CACHE_MARK),
    row(Part, "image_url", Written("`input_image`")),
    row(Part, "image_url.prompt_cache_breakpoint", CACHE_MARK),
    row(Part, "file", Written("`input_file`")),
    row(Part, "file.file.file_id", Never("files live on OpenAI's servers")),
    row(Part, "file.prompt_cache_breakpoint", CACHE_MARK),
    row(Part, "input_audio", Never("a marker stands for it")),
    row(Part, "refusal", Never("a refusal goes back as text, which all servers know")),
    // Tools.
    row(Tool, "function", Written("every kind of tool that the model can be offered")),
    row(Tool, "custom", FUNCTIONS_ONLY),
];

/// The decision about `path`, or about the nearest thing above it.
pub fn find(section: Section, path: &str) -> Option<&'static Row> {
    nearest(ROWS, section, path)
}
