//! The closed world of what quire writes to Responses servers: for each member of the dialect's
//! request whether quire writes it, and from what. `tests/world` holds the list against
//! `corpus/world/responses.txt` and against what the renderer writes.

use crate::fates::Section;

/// Whether quire writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Yes, from this.
    Written(&'static str),
    /// From this, where the model's record lists the member under `accepts`.
    Accepted(&'static str),
    /// From this, where the model's record says that it is understood.
    Understood(&'static str),
    /// No, and this is why.
    Never(&'static str),
}

/// One decision; it holds for everything beneath its path unless a longer row says otherwise.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub section: Section,
    /// Dotted path; indices of arrays are left out.
    pub path: &'static str,
    pub usage: Use,
}

const fn row(section: Section, path: &'static str, usage: Use) -> Row {
    Row { section, path, usage }
}

use Section::{Field, Item, Part, Tool};
use Use::{Accepted, Never, Understood, Written};

const CACHE: Use = Never("OpenAI's own; automatic caches need no marks");
const FUNCTIONS: Use = Never("a function stands for it, which all servers know");
const HOSTED: Use = Never("run by OpenAI; no client of another dialect asks for it");
const IDS: Use = Never("ids and states are the server's own, and nothing is kept there");
const OPENAI: Use = Never("OpenAI's own; no other dialect has it");
const STATELESS: Use = Never("nothing is kept on a server; the whole conversation is sent");

/// Every decision.
// A table reads best with one row on one line.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row(Field, "model", Written("the upstream's own name of the model")),
    row(Field, "instructions", Written("system text at the start: every server reads it, whatever roles it knows")),
    row(Field, "input", Written("the conversation")),
    row(Field, "tools", Written("the tools that the model may call or the provider runs")),
    row(Field, "tool_choice", Written("the choice of a tool")),
    row(Field, "tool_choice.mode", Accepted("the list of allowed tools (`allowed_tools`); else only those are declared")),
    row(Field, "tool_choice.tools", Accepted("the list of allowed tools (`allowed_tools`); else only those are declared")),
    row(Field, "tool_choice.server_label", HOSTED),
    row(Field, "parallel_tool_calls", Accepted("whether calls may run side by side")),
    row(Field, "max_tool_calls", Accepted("how often a search may run")),
    row(Field, "reasoning", Understood("how hard the model thinks (`efforts`)")),
    row(Field, "reasoning.summary", Understood("`auto`, where the client shows what the model thinks")),
    row(Field, "reasoning.generate_summary", Never("the older name of `summary`")),
    row(Field, "reasoning.context", OPENAI),
    row(Field, "reasoning.mode", OPENAI),
    row(Field, "text", Understood("the form of the answer (`structured`)")),
    row(Field, "text.verbosity", Accepted("how much the answer says (`verbosity`)")),
    row(Field, "max_output_tokens", Written("the limit on the answer, at least 16")),
    row(Field, "temperature", Accepted("`temperature`")),
    row(Field, "top_p", Accepted("`top_p`")),
    row(Field, "presence_penalty", Accepted("`presence_penalty`")),
    row(Field, "frequency_penalty", Accepted("`frequency_penalty`")),
    row(Field, "service_tier", Accepted("`service_tier`, where OpenAI knows the word")),
    row(Field, "prompt_cache_key", Accepted("`prompt_cache_key`, at most 64 characters, else a hash of the conversation's name")),
    row(Field, "safety_identifier", Accepted("`safety_identifier`, at most 64 characters")),
    row(Field, "user", Accepted("`user`, at most 64 characters")),
    row(Field, "metadata", Accepted("`metadata`, where OpenAI accepts it")),
    row(Field, "stream", Written("`stream`")),
    row(Field, "stream_options", Never("its padding hides lengths from whoever watches the line")),
    row(Field, "store", Accepted("always `false`")),
    row(Field, "include", Accepted("the encrypted reasoning of models that think, and the sources of a search")),
    row(Field, "background", STATELESS),
    row(Field, "previous_response_id", STATELESS),
    row(Field, "conversation", STATELESS),
    row(Field, "prompt", Never("prompt templates live on OpenAI's servers")),
    row(Field, "truncation", Never("nothing is cut behind the client's back")),
    row(Field, "top_logprobs", Never("answers of translated models carry none")),
    row(Field, "access_programs", OPENAI),
    row(Field, "client_metadata", OPENAI),
    row(Field, "context_management", OPENAI),
    row(Field, "image", OPENAI),
    row(Field, "moderation", OPENAI),
    row(Field, "multi_agent", OPENAI),
    row(Field, "prompt_cache_options", CACHE),
    row(Field, "prompt_cache_retention", CACHE),
    // Items.
    row(Item, "message", Written("messages, summaries, results without their call, images of tool results")),
    row(Item, "message.id", IDS),
    row(Item, "message.status", IDS),
    row(Item, "message.phase", OPENAI),
    row(Item, "message.agent", OPENAI),
    row(Item, "message.internal_chat_message_metadata_passthrough", OPENAI),
    row(Item, "reasoning", Written("what the model thought, encrypted as it came")),
    row(Item, "reasoning.content", Understood("the text itself, for models that think in the open (`replay`)")),
    row(Item, "reasoning.id", Understood("with `content`: types of servers demand it (`replay`)")),
    row(Item, "reasoning.status", IDS),
    row(Item, "reasoning.agent", OPENAI),
    row(Item, "function_call", Written("a call")),
    row(Item, "function_call.id", IDS),
    row(Item, "function_call.status", IDS),
    row(Item, "function_call.namespace", Never("names are flat, which all servers know")),
    row(Item, "function_call.agent", OPENAI),
    row(Item, "function_call.async", OPENAI),
    row(Item, "function_call.caller", OPENAI),
    row(Item, "function_call.internal_chat_message_metadata_passthrough", OPENAI),
    row(Item, "function_call_output", Written("the result of a call")),
    row(Item, "function_call_output.id", IDS),
    row(Item, "function_call_output.status", IDS),
    row(Item, "function_call_output.name", Never("the call has it")),
    row(Item, "function_call_output.namespace", Never("the call has it")),
    row(Item, "function_call_output.agent", OPENAI),
    row(Item, "function_call_output.caller", OPENAI),
    row(Item, "function_call_output.internal_chat_message_metadata_passthrough", OPENAI),
    row(Item, "custom_tool_call", Understood("a call with free text (`custom_tools`)")),
    row(Item, "custom_tool_call.id", IDS),
    row(Item, "custom_tool_call.status", IDS),
    row(Item, "custom_tool_call.namespace", Never("names are flat, which all servers know")),
    row(Item, "custom_tool_call.agent", OPENAI),
    row(Item, "custom_tool_call.async", OPENAI),
    row(Item, "custom_tool_call.caller", OPENAI),
    row(Item, "custom_tool_call_output", Understood("its result (`custom_tools`)")),
    row(Item, "custom_tool_call_output.id", IDS),
    row(Item, "custom_tool_call_output.agent", OPENAI),
    row(Item, "custom_tool_call_output.caller", OPENAI),
    row(Item, "additional_tools", Never("all tools are in `tools`")),
    row(Item, "agent_message", Never("a user message says it, which all servers know")),
    row(Item, "apply_patch_call", FUNCTIONS),
    row(Item, "apply_patch_call_output", FUNCTIONS),
    row(Item, "local_shell_call", FUNCTIONS),
    row(Item, "local_shell_call_output", FUNCTIONS),
    row(Item, "shell_call", FUNCTIONS),
    row(Item, "shell_call_output", FUNCTIONS),
    row(Item, "tool_search_call", FUNCTIONS),
    row(Item, "tool_search_output", FUNCTIONS),
    row(Item, "compaction", Never("the summary goes as a user message, which all servers know")),
    row(Item, "compaction_trigger", Never("asked for in words, which all models know")),
    row(Item, "configuration_update", OPENAI),
    row(Item, "item_reference", STATELESS),
    row(Item, "web_search_call", Never("its findings are in the answer that followed")),
    row(Item, "code_interpreter_call", HOSTED),
    row(Item, "computer_call", HOSTED),
    row(Item, "computer_call_output", HOSTED),
    row(Item, "file_search_call", HOSTED),
    row(Item, "image_generation_call", HOSTED),
    row(Item, "mcp_approval_request", HOSTED),
    row(Item, "mcp_approval_response", HOSTED),
    row(Item, "mcp_call", HOSTED),
    row(Item, "mcp_list_tools", HOSTED),
    row(Item, "multi_agent_call", HOSTED),
    row(Item, "multi_agent_call_output", HOSTED),
    row(Item, "program", HOSTED),
    row(Item, "program_output", HOSTED),
    // Parts.
    row(Part, "input_text", Written("text beside images, files or other text")),
    row(Part, "input_text.prompt_cache_breakpoint", CACHE),
    row(Part, "input_image", Understood("an image (`images`, `tool_images`)")),
    row(Part, "input_image.file_id", STATELESS),
    row(Part, "input_image.prompt_cache_breakpoint", CACHE),
    row(Part, "input_file", Understood("a file (`files`)")),
    row(Part, "input_file.detail", OPENAI),
    row(Part, "input_file.file_id", STATELESS),
    row(Part, "input_file.prompt_cache_breakpoint", CACHE),
    row(Part, "input_video", Never("no other dialect has it")),
    row(Part, "output_text", Never("what the assistant said goes as a string: some servers refuse parts without ids")),
    row(Part, "refusal", Never("a refusal goes back as text, which all servers know")),
    row(Part, "summary_text", Written("the summary of encrypted reasoning")),
    row(Part, "reasoning_text", Understood("the text of open reasoning (`replay`)")),
    row(Part, "encrypted_content", OPENAI),
    // Tools.
    row(Tool, "function", Written("every tool that takes an object; `strict` is always said, since silence means yes")),
    row(Tool, "function.allowed_callers", OPENAI),
    row(Tool, "function.async", OPENAI),
    row(Tool, "function.defer_loading", OPENAI),
    row(Tool, "function.output_schema", OPENAI),
    row(Tool, "custom", Understood("a tool that takes free text (`custom_tools`)")),
    row(Tool, "custom.allowed_callers", OPENAI),
    row(Tool, "custom.async", OPENAI),
    row(Tool, "custom.defer_loading", OPENAI),
    row(Tool, "web_search", Understood("a search on the web (`web_search`)")),
    row(Tool, "web_search.external_web_access", OPENAI),
    row(Tool, "web_search.indexed_web_access", OPENAI),
    row(Tool, "web_search.search_content_types", OPENAI),
    row(Tool, "web_search_2025_08_26", Never("`web_search` without a date")),
    row(Tool, "web_search_preview", Never("the older form of `web_search`")),
    row(Tool, "web_search_preview_2025_03_11", Never("the older form of `web_search`")),
    row(Tool, "namespace", Never("names are flat, which all servers know")),
    row(Tool, "apply_patch", FUNCTIONS),
    row(Tool, "local_shell", FUNCTIONS),
    row(Tool, "shell", FUNCTIONS),
    row(Tool, "tool_search", FUNCTIONS),
    row(Tool, "code_interpreter", HOSTED),
    row(Tool, "computer", HOSTED),
    row(Tool, "computer_use_preview", HOSTED),
    row(Tool, "file_search", HOSTED),
    row(Tool, "image_generation", HOSTED),
    row(Tool, "mcp", HOSTED),
    row(Tool, "programmatic_tool_calling", HOSTED),
];

/// The decision about `path`, or about the nearest thing above it.
pub fn find(section: Section, path: &str) -> Option<&'static Row> {
    let mut at = path;
    loop {
        if let Some(row) = ROWS.iter().find(|row| row.section == section && row.path == at) {
            return Some(row);
        }
        at = &at[..at.rfind('.')?];
    }
}
