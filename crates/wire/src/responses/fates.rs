//! The closed world of Responses requests: what becomes of every field, item, part and tool when
//! the target speaks another dialect. The parser takes its notes from here, and the table in
//! `docs/compatibility.md` is made from it.
//!
//! A row decides for everything beneath its path unless a longer row says otherwise.

use crate::note::Code;

/// What kind of thing a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Field,
    Item,
    Part,
    Tool,
}

impl Section {
    /// The word used in the world lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Item => "item",
            Self::Part => "part",
            Self::Tool => "tool",
        }
    }
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It has its full effect.
    Translated,
    /// It has its full effect where the target's record says so, else the note tells.
    Depends(Code),
    /// It reaches the target changed, and the note tells how.
    Degraded(Code),
    /// It has no effect, and the note tells.
    Ignored(Code),
    /// The request is refused, since the answer would be wrong without it.
    Refused,
}

/// One decision.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub section: Section,
    /// Dotted path; indices of arrays are left out.
    pub path: &'static str,
    pub fate: Fate,
    /// How, in a few words for the documentation; for a refusal what to do instead.
    pub how: &'static str,
}

const fn row(section: Section, path: &'static str, fate: Fate, how: &'static str) -> Row {
    Row { section, path, fate, how }
}

use Code as C;
use Fate::{Degraded, Depends, Ignored, Refused, Translated};
use Section::{Field, Item, Part, Tool};

/// Every decision, for the target dialect Chat Completions.
pub const ROWS: &[Row] = &[
    row(Field, "model", Translated, "resolved by quire; the upstream's own name is sent"),
    row(Field, "input", Translated, "`messages`"),
    row(Field, "instructions", Translated, "leading `system` message"),
    row(Field, "stream", Translated, "`stream` with `stream_options.include_usage`"),
    row(Field, "tools", Translated, "`tools`, by the rows of their kinds"),
    row(Field, "tool_choice", Depends(C::ToolChoice), "`tool_choice`"),
    row(Field, "parallel_tool_calls", Depends(C::ParallelIgnored), "`parallel_tool_calls`"),
    row(Field, "reasoning.effort", Depends(C::EffortMapped), "the model's own effort members"),
    row(Field, "reasoning.summary", Translated, "decides how reasoning is shown"),
    row(Field, "reasoning.generate_summary", Translated, "older name of `reasoning.summary`"),
    row(Field, "reasoning.context", Ignored(C::FieldIgnored), "the whole history is sent anyway"),
    row(Field, "reasoning.mode", Ignored(C::FieldIgnored), "no counterpart"),
    row(Field, "reasoning", Translated, "by its members"),
    row(Field, "text.format", Depends(C::SchemaAsObject), "`response_format`"),
    row(Field, "text.verbosity", Depends(C::FieldIgnored), "`verbosity`"),
    row(Field, "text", Translated, "by its members"),
    row(Field, "max_output_tokens", Translated, "`max_tokens` or `max_completion_tokens`"),
    row(Field, "temperature", Depends(C::FieldIgnored), "`temperature`"),
    row(Field, "top_p", Depends(C::FieldIgnored), "`top_p`"),
    row(Field, "presence_penalty", Depends(C::FieldIgnored), "`presence_penalty`"),
    row(Field, "frequency_penalty", Depends(C::FieldIgnored), "`frequency_penalty`"),
    row(Field, "service_tier", Depends(C::FieldIgnored), "`service_tier`"),
    row(Field, "prompt_cache_key", Depends(C::FieldIgnored), "`prompt_cache_key`"),
    row(Field, "safety_identifier", Depends(C::FieldIgnored), "`safety_identifier`"),
    row(Field, "user", Depends(C::FieldIgnored), "`user`"),
    row(Field, "metadata", Ignored(C::FieldIgnored), "echoed in the answer"),
    row(Field, "store", Depends(C::NotStored), "`false` is what happens; `true` is noted"),
    row(Field, "include", Depends(C::FieldIgnored), "`reasoning.encrypted_content` is honoured"),
    row(Field, "background", Refused, "leave `background` out; quire answers while the model writes"),
    row(Field, "previous_response_id", Refused, "send the whole conversation in `input`"),
    row(Field, "conversation", Refused, "send the whole conversation in `input`"),
    row(Field, "prompt", Refused, "prompt templates live on OpenAI's servers; send their text in `input`"),
    row(Field, "truncation", Depends(C::FieldIgnored), "`disabled` is what happens; `auto` is noted"),
    row(Field, "stream_options", Ignored(C::FieldIgnored), "obfuscation is never added"),
    row(Field, "client_metadata", Ignored(C::FieldIgnored), "meant for OpenAI; not forwarded"),
    row(Field, "access_programs", Ignored(C::FieldIgnored), "meant for OpenAI; not forwarded"),
    row(Field, "context_management", Ignored(C::FieldIgnored), "no counterpart"),
    row(Field, "image", Ignored(C::FieldIgnored), "no counterpart"),
    row(Field, "max_tool_calls", Ignored(C::FieldIgnored), "limits hosted tools only"),
    row(Field, "moderation", Ignored(C::FieldIgnored), "no counterpart"),
    row(Field, "multi_agent", Ignored(C::FieldIgnored), "hosted agents are OpenAI's"),
    row(Field, "prompt_cache_options", Ignored(C::FieldIgnored), "no counterpart"),
    row(Field, "prompt_cache_retention", Ignored(C::FieldIgnored), "no counterpart"),
    row(Field, "top_logprobs", Ignored(C::FieldIgnored), "no counterpart in the answer"),
    // Items.
    row(Item, "message", Translated, "a message of its role; leading developer and system text joins the system prompt"),
    row(Item, "message.id", Ignored(C::ItemMetadata), "ids are the server's own"),
    row(Item, "message.status", Ignored(C::ItemMetadata), "states are the server's own"),
    row(Item, "message.phase", Ignored(C::ItemMetadata), "no counterpart"),
    row(Item, "message.agent", Ignored(C::ItemMetadata), "no counterpart"),
    row(Item, "message.internal_chat_message_metadata_passthrough", Ignored(C::ItemMetadata), "meant for OpenAI; not forwarded"),
    row(Item, "reasoning", Depends(C::ReasoningDropped), "the member in which the model takes its reasoning back"),
    row(Item, "reasoning.id", Ignored(C::ItemMetadata), "ids are the server's own"),
    row(Item, "reasoning.status", Ignored(C::ItemMetadata), "states are the server's own"),
    row(Item, "reasoning.agent", Ignored(C::ItemMetadata), "no counterpart"),
    row(Item, "reasoning.internal_chat_message_metadata_passthrough", Ignored(C::ItemMetadata), "meant for OpenAI; not forwarded"),
    row(Item, "reasoning.encrypted_content", Depends(C::ReasoningForeign), "what quire sealed is opened; what others sealed is dropped"),
    row(Item, "function_call", Translated, "an entry of `tool_calls`"),
    row(Item, "function_call_output", Translated, "a `tool` message; images follow in a user message"),
    row(Item, "custom_tool_call", Translated, "an entry of `tool_calls` with one `input`"),
    row(Item, "custom_tool_call_output", Translated, "a `tool` message"),
    row(Item, "tool_search_call", Translated, "an entry of `tool_calls`"),
    row(Item, "tool_search_output", Translated, "a `tool` message; the tools it found are declared"),
    row(Item, "local_shell_call", Translated, "an entry of `tool_calls`"),
    row(Item, "local_shell_call_output", Translated, "a `tool` message"),
    row(Item, "shell_call", Translated, "an entry of `tool_calls`"),
    row(Item, "shell_call_output", Translated, "a `tool` message"),
    row(Item, "apply_patch_call", Translated, "an entry of `tool_calls`"),
    row(Item, "apply_patch_call_output", Translated, "a `tool` message"),
    row(Item, "additional_tools", Translated, "its tools are declared"),
    row(Item, "agent_message", Translated, "a user message"),
    row(Item, "agent_message.author", Ignored(C::ItemMetadata), "its text says who speaks"),
    row(Item, "agent_message.recipient", Ignored(C::ItemMetadata), "its text says who is spoken to"),
    row(Item, "compaction", Depends(C::CompactionUnreadable), "the summary that quire sealed, as a user message"),
    row(Item, "compaction_summary", Depends(C::CompactionUnreadable), "as `compaction`"),
    row(Item, "context_compaction", Depends(C::CompactionUnreadable), "as `compaction`"),
    row(Item, "compaction_trigger", Translated, "the model is asked for a summary, which comes back as `compaction`"),
    row(Item, "item_reference", Refused, "send the item itself; nothing is stored here"),
    row(Item, "web_search_call", Ignored(C::ItemDropped), "its findings are in the answer that follows"),
    row(Item, "file_search_call", Ignored(C::ItemDropped), "run by OpenAI"),
    row(Item, "computer_call", Ignored(C::ItemDropped), "no counterpart"),
    row(Item, "computer_call_output", Ignored(C::ItemDropped), "no counterpart"),
    row(Item, "code_interpreter_call", Ignored(C::ItemDropped), "run by OpenAI"),
    row(Item, "image_generation_call", Ignored(C::ItemDropped), "run by OpenAI"),
    row(Item, "mcp_call", Ignored(C::ItemDropped), "run by OpenAI"),
    row(Item, "mcp_list_tools", Ignored(C::ItemDropped), "run by OpenAI"),
    row(Item, "mcp_approval_request", Ignored(C::ItemDropped), "run by OpenAI"),
    row(Item, "mcp_approval_response", Ignored(C::ItemDropped), "run by OpenAI"),
    row(Item, "configuration_update", Ignored(C::ItemDropped), "the request's own settings count"),
    row(Item, "multi_agent_call", Ignored(C::ItemDropped), "hosted agents are OpenAI's"),
    row(Item, "multi_agent_call_output", Ignored(C::ItemDropped), "hosted agents are OpenAI's"),
    row(Item, "program", Ignored(C::ItemDropped), "run by OpenAI"),
    row(Item, "program_output", Ignored(C::ItemDropped), "run by OpenAI"),
    // Parts.
    row(Part, "input_text", Translated, "text"),
    row(Part, "output_text", Translated, "text"),
    row(Part, "text", Translated, "text"),
    row(Part, "summary_text", Translated, "text"),
    row(Part, "reasoning_text", Translated, "text"),
    row(Part, "encrypted_content", Translated, "the plain text of an agent's message"),
    row(Part, "refusal", Translated, "text"),
    row(Part, "output_text.annotations", Ignored(C::ItemMetadata), "no counterpart"),
    row(Part, "output_text.logprobs", Ignored(C::ItemMetadata), "no counterpart"),
    row(Part, "input_image", Depends(C::ImageOmitted), "`image_url`; a marker for a model without vision"),
    row(Part, "input_image.detail", Depends(C::ImageDetail), "`original` becomes `high`"),
    row(Part, "input_image.file_id", Ignored(C::ImageOmitted), "files live on OpenAI's servers"),
    row(Part, "input_image.prompt_cache_breakpoint", Ignored(C::FieldIgnored), "no counterpart"),
    row(Part, "input_file", Depends(C::FileOmitted), "`file`; a marker where files are not understood"),
    row(Part, "input_file.prompt_cache_breakpoint", Ignored(C::FieldIgnored), "no counterpart"),
    row(Part, "input_text.prompt_cache_breakpoint", Ignored(C::FieldIgnored), "no counterpart"),
    row(Part, "input_audio", Degraded(C::PartDropped), "a marker"),
    row(Part, "input_video", Degraded(C::PartDropped), "a marker"),
    row(Part, "computer_screenshot", Degraded(C::PartDropped), "a marker"),
    // Tools.
    row(Tool, "function", Translated, "a function"),
    row(Tool, "function.strict", Depends(C::StrictIgnored), "`strict`"),
    row(Tool, "function.defer_loading", Ignored(C::FieldIgnored), "every tool is declared at once"),
    row(Tool, "function.allowed_callers", Ignored(C::FieldIgnored), "no counterpart"),
    row(Tool, "function.async", Ignored(C::FieldIgnored), "no counterpart"),
    row(Tool, "function.output_schema", Ignored(C::FieldIgnored), "no counterpart"),
    row(Tool, "custom", Degraded(C::CustomTool), "a function with one string `input`; it comes back as it was declared"),
    row(Tool, "custom.defer_loading", Ignored(C::FieldIgnored), "every tool is declared at once"),
    row(Tool, "custom.allowed_callers", Ignored(C::FieldIgnored), "no counterpart"),
    row(Tool, "custom.async", Ignored(C::FieldIgnored), "no counterpart"),
    row(Tool, "namespace", Translated, "its tools as `namespace__name`; they come back as they were declared"),
    row(Tool, "namespace.description", Ignored(C::NamespaceText), "no counterpart"),
    row(Tool, "tool_search", Translated, "a function; it comes back as `tool_search_call`"),
    row(Tool, "web_search", Ignored(C::ToolDropped), "quire cannot search yet"),
    row(Tool, "web_search_2025_08_26", Ignored(C::ToolDropped), "quire cannot search yet"),
    row(Tool, "web_search_preview", Ignored(C::ToolDropped), "quire cannot search yet"),
    row(Tool, "web_search_preview_2025_03_11", Ignored(C::ToolDropped), "quire cannot search yet"),
    row(Tool, "file_search", Ignored(C::ToolDropped), "run by OpenAI"),
    row(Tool, "code_interpreter", Ignored(C::ToolDropped), "run by OpenAI"),
    row(Tool, "image_generation", Ignored(C::ToolDropped), "run by OpenAI"),
    row(Tool, "mcp", Ignored(C::ToolDropped), "run by OpenAI"),
    row(Tool, "computer", Ignored(C::ToolDropped), "no counterpart"),
    row(Tool, "computer_use", Ignored(C::ToolDropped), "no counterpart"),
    row(Tool, "computer_use_preview", Ignored(C::ToolDropped), "no counterpart"),
    row(Tool, "local_shell", Translated, "a function; it comes back as `local_shell_call`"),
    row(Tool, "shell", Ignored(C::ToolDropped), "run by OpenAI, or by clients that declare functions as well"),
    row(Tool, "apply_patch", Ignored(C::ToolDropped), "clients that patch declare a custom tool"),
    row(Tool, "programmatic_tool_calling", Ignored(C::ToolDropped), "run by OpenAI"),
];

/// The decision about `path`, or about the nearest thing above it.
pub fn find(section: Section, path: &str) -> Option<&'static Row> {
    let mut path = path;
    loop {
        if let Some(row) = ROWS.iter().find(|row| row.section == section && row.path == path) {
            return Some(row);
        }
        path = &path[..path.rfind('.')?];
    }
}
