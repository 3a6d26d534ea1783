//! The closed world of what quire writes to Messages servers: for each member of the dialect's
//! request whether quire writes it, and from what. The tests hold the list against
//! `corpus/world/messages.txt` and against what the encoder writes.

/// What kind of thing a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Field,
    /// A member of a message, by the message's role.
    Role,
    Block,
    Tool,
}

impl Section {
    /// Every section.
    pub const ALL: [Self; 4] = [Self::Field, Self::Role, Self::Block, Self::Tool];

    /// The word used in the world lists.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Field => "field",
            Self::Role => "role",
            Self::Block => "block",
            Self::Tool => "tool",
        }
    }
}

/// Whether quire writes it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Use {
    /// Yes, from this.
    Written(&'static str),
    /// From this, where the model's record lists it under `accepts`.
    Accepted(&'static str),
    /// Only because a provider's record says so: `efforts` or `always`.
    Recorded,
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

use Section::{Block, Field, Role, Tool};
use Use::{Accepted, Never, Recorded, Written};

const MARKS: &str = "`cache_control`: the end of what is worth keeping";
const HOSTED: Use = Never("a tool that Anthropic runs or shapes; no other dialect asks for it");
const FILES: Use = Never("files live on Anthropic's servers");
const ANTHROPIC: Use = Never("Anthropic's own; no other dialect asks for it");
const NO_SOURCE: Use = Never("no other dialect has it");

/// Every decision.
// A table reads best with one row on one line.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row(Field, "model", Written("the upstream's own name of the model")),
    row(Field, "max_tokens", Written("`max_output_tokens`, else what the model can write")),
    row(Field, "messages", Written("`input`")),
    row(Field, "system", Written("`instructions` and the messages of the system before all others")),
    row(Field, "tools", Written("`tools`, `additional_tools` and what a tool search found")),
    row(Field, "tool_choice", Written("`tool_choice`")),
    row(Field, "tool_choice.disable_parallel_tool_use", Accepted("`parallel_tool_calls`")),
    row(Field, "output_config", Recorded),
    row(Field, "output_config.format", Written("`text.format`")),
    row(Field, "output_config.task_budget", NO_SOURCE),
    row(Field, "thinking", Recorded),
    row(Field, "thinking.block_binding", Never("the history is sent back as it came")),
    row(Field, "stop_sequences", Accepted("`stop`")),
    row(Field, "metadata", Never("of it only `user_id` is known")),
    row(Field, "metadata.user_id", Accepted("`safety_identifier` or `user`")),
    row(Field, "service_tier", Accepted("`service_tier`")),
    row(Field, "stream", Written("`stream`")),
    row(Field, "cache_control", Never("what is kept is marked where it ends; not every server knows this form")),
    row(Field, "billing_policy", ANTHROPIC),
    row(Field, "compaction", ANTHROPIC),
    row(Field, "container", HOSTED),
    row(Field, "context_management", Never("what the client sends is what the model sees")),
    row(Field, "diagnostics", ANTHROPIC),
    row(Field, "fallback_credit_token", ANTHROPIC),
    row(Field, "fallbacks", Never("who answers instead is for the user to say")),
    row(Field, "inference_geo", ANTHROPIC),
    row(Field, "mcp_servers", HOSTED),
    row(Field, "speed", ANTHROPIC),
    row(Field, "thread", Never("nothing is kept on a server")),
    // Messages.
    row(Role, "user", Written("user and agent messages, results of calls, summaries")),
    row(Role, "assistant", Written("assistant messages, reasoning and calls")),
    row(Role, "system", Written("late messages of the system, where the record says `late_system`")),
    row(Role, "system.clear_at", NO_SOURCE),
    row(Role, "system.output_config", NO_SOURCE),
    // Blocks.
    row(Block, "text", Written("texts, refusals, and markers for what is left out")),
    row(Block, "text.cache_control", Accepted(MARKS)),
    row(Block, "text.citations", Never("sources stand in the text that the client keeps")),
    row(Block, "image", Written("`input_image`")),
    row(Block, "image.cache_control", Accepted(MARKS)),
    row(Block, "image.source.file_id", FILES),
    row(Block, "image.transformations", NO_SOURCE),
    row(Block, "document", Written("`input_file`: PDFs and texts")),
    row(Block, "document.cache_control", Accepted(MARKS)),
    row(Block, "document.citations", NO_SOURCE),
    row(Block, "document.context", NO_SOURCE),
    row(Block, "document.source.content", NO_SOURCE),
    row(Block, "document.source.file_id", FILES),
    row(Block, "tool_use", Written("calls")),
    row(Block, "tool_use.cache_control", Never("only the user's messages are marked")),
    row(Block, "tool_use.caller", HOSTED),
    row(Block, "tool_use.toolset_name", HOSTED),
    row(Block, "tool_result", Written("outputs of calls")),
    row(Block, "tool_result.cache_control", Accepted(MARKS)),
    row(Block, "tool_result.is_error", Written("the placeholder for an output that is missing")),
    row(Block, "tool_result.toolset_name", HOSTED),
    row(Block, "thinking", Written("reasoning that the same model sealed")),
    row(Block, "redacted_thinking", Written("reasoning that the same model sealed")),
    row(Block, "advisor_redacted_result", HOSTED),
    row(Block, "advisor_result", HOSTED),
    row(Block, "advisor_tool_result", HOSTED),
    row(Block, "advisor_tool_result_error", HOSTED),
    row(Block, "bash_code_execution_output", HOSTED),
    row(Block, "bash_code_execution_result", HOSTED),
    row(Block, "bash_code_execution_tool_result", HOSTED),
    row(Block, "bash_code_execution_tool_result_error", HOSTED),
    row(Block, "browser_state", HOSTED),
    row(Block, "code_execution_output", HOSTED),
    row(Block, "code_execution_result", HOSTED),
    row(Block, "code_execution_tool_result", HOSTED),
    row(Block, "code_execution_tool_result_error", HOSTED),
    row(Block, "compaction", ANTHROPIC),
    row(Block, "container_upload", FILES),
    row(Block, "encrypted_code_execution_result", HOSTED),
    row(Block, "fallback", ANTHROPIC),
    row(Block, "mcp_tool_listing", HOSTED),
    row(Block, "mcp_tool_result", HOSTED),
    row(Block, "mcp_tool_use", HOSTED),
    row(Block, "search_result", NO_SOURCE),
    row(Block, "server_tool_use", HOSTED),
    row(Block, "text_editor_code_execution_create_result", HOSTED),
    row(Block, "text_editor_code_execution_str_replace_result", HOSTED),
    row(Block, "text_editor_code_execution_tool_result", HOSTED),
    row(Block, "text_editor_code_execution_tool_result_error", HOSTED),
    row(Block, "text_editor_code_execution_view_result", HOSTED),
    row(Block, "tool_addition", NO_SOURCE),
    row(Block, "tool_reference", Never("what a search found is declared among the tools")),
    row(Block, "tool_removal", NO_SOURCE),
    row(Block, "tool_search_tool_result", HOSTED),
    row(Block, "tool_search_tool_result_error", HOSTED),
    row(Block, "tool_search_tool_search_result", HOSTED),
    row(Block, "web_fetch_result", HOSTED),
    row(Block, "web_fetch_tool_result", HOSTED),
    row(Block, "web_fetch_tool_result_error", HOSTED),
    row(Block, "web_search_result", HOSTED),
    row(Block, "web_search_tool_result", HOSTED),
    row(Block, "web_search_tool_result_error", HOSTED),
    // Tools.
    row(Tool, "custom", Written("every kind of tool that the client runs")),
    row(Tool, "custom.type", Never("the usual kind need not be named, and not every server knows the name")),
    row(Tool, "custom.strict", Written("`strict`, where the record says `strict_tools`")),
    row(Tool, "custom.cache_control", Accepted(MARKS)),
    row(Tool, "custom.allowed_callers", HOSTED),
    row(Tool, "custom.defer_loading", Never("deferred tools are declared once they were found")),
    row(Tool, "custom.eager_input_streaming", NO_SOURCE),
    row(Tool, "custom.input_examples", NO_SOURCE),
    row(Tool, "web_search_20250305", Written("`web_search`, where the record says `web_search`")),
    row(Tool, "web_search_20250305.cache_control", Accepted(MARKS)),
    row(Tool, "web_search_20250305.allowed_callers", HOSTED),
    row(Tool, "web_search_20250305.defer_loading", NO_SOURCE),
    row(Tool, "web_search_20250305.strict", NO_SOURCE),
    row(Tool, "advisor_20260301", HOSTED),
    row(Tool, "bash_20241022", HOSTED),
    row(Tool, "bash_20250124", HOSTED),
    row(Tool, "browser_toolset_20260801", HOSTED),
    row(Tool, "code_execution_20250522", HOSTED),
    row(Tool, "code_execution_20250825", HOSTED),
    row(Tool, "code_execution_20260120", HOSTED),
    row(Tool, "code_execution_20260521", HOSTED),
    row(Tool, "computer_20241022", HOSTED),
    row(Tool, "computer_20250124", HOSTED),
    row(Tool, "computer_20251124", HOSTED),
    row(Tool, "computer_toolset_20260801", HOSTED),
    row(Tool, "mcp_toolset", HOSTED),
    row(Tool, "memory_20250818", HOSTED),
    row(Tool, "text_editor_20241022", HOSTED),
    row(Tool, "text_editor_20250124", HOSTED),
    row(Tool, "text_editor_20250429", HOSTED),
    row(Tool, "text_editor_20250728", HOSTED),
    row(Tool, "tool_search_tool_bm25", HOSTED),
    row(Tool, "tool_search_tool_bm25_20251119", HOSTED),
    row(Tool, "tool_search_tool_regex", HOSTED),
    row(Tool, "tool_search_tool_regex_20251119", HOSTED),
    row(Tool, "web_fetch_20250910", HOSTED),
    row(Tool, "web_fetch_20260209", HOSTED),
    row(Tool, "web_fetch_20260309", HOSTED),
    row(Tool, "web_fetch_20260318", HOSTED),
    row(Tool, "web_search_20260209", Never("the first form of the search is what all servers know")),
    row(Tool, "web_search_20260318", Never("the first form of the search is what all servers know")),
    // Members that other servers have and Anthropic's newest SDK has no more.
    row(Field, "temperature", Accepted("`temperature`")),
    row(Field, "top_p", Accepted("`top_p`")),
    row(Field, "top_k", Accepted("`top_k`")),
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
