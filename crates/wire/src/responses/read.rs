//! What quire reads of a Responses answer, and what it passes over: events by their names, members
//! of items and of the response by their paths. `tests/world` tries each.

use crate::read::Use;

/// What a row is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Thing {
    /// An event of a stream.
    Event,
    /// A member of an item of this kind, or the item as a whole.
    Item(&'static str),
    /// A member of the response object that ends the answer.
    Response,
}

/// One decision.
#[derive(Clone, Copy, Debug)]
pub struct Row {
    pub thing: Thing,
    /// The name of an event or item, or the dotted path of a member.
    pub path: &'static str,
    pub usage: Use,
    /// An event, an item, or a value of the member that has an effect, as raw JSON.
    pub example: &'static str,
}

const fn read(
    thing: Thing,
    path: &'static str,
    becomes: &'static str,
    example: &'static str,
) -> Row {
    Row { thing, path, usage: Use::Read(becomes), example }
}

const fn over(thing: Thing, path: &'static str, why: &'static str, example: &'static str) -> Row {
    Row { thing, path, usage: Use::PassedOver(why), example }
}

use Thing::{Event, Item, Response};

const REPEATED: &str = "the item says it again when it is done";
const STAGE: &str = "how far it has come, which the item says";
const UNASKED: &str = "a hosted tool that is never asked for";

/// Every decision.
// A table reads best with one row on one line.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    over(Event, "response.created", "repeats the request", r#"{"response":{"id":"resp_1","status":"in_progress"}}"#),
    over(Event, "response.in_progress", "repeats the request", r#"{"response":{"id":"resp_1","status":"in_progress"}}"#),
    over(Event, "response.queued", "repeats the request", r#"{"response":{"id":"resp_1","status":"queued"}}"#),
    read(Event, "response.output_item.added", "a call or search begins", r#"{"output_index":0,"item":{"type":"function_call","call_id":"c","name":"f","arguments":""}}"#),
    read(Event, "response.output_item.done", "an item is whole: what was not told of it is told", r#"{"output_index":0,"item":{"type":"message","content":[{"type":"output_text","text":"so"}]}}"#),
    over(Event, "response.content_part.added", "its first piece tells", r#"{"output_index":0,"content_index":0,"part":{"type":"output_text","text":"so"}}"#),
    read(Event, "response.content_part.done", "a text is whole", r#"{"output_index":0,"content_index":0,"part":{"type":"output_text","text":"so"}}"#),
    read(Event, "response.output_text.delta", "text", r#"{"output_index":0,"content_index":0,"delta":"so"}"#),
    read(Event, "response.output_text.done", "what was not told of the text", r#"{"output_index":0,"content_index":0,"text":"so"}"#),
    read(Event, "response.output_text.annotation.added", "a citation of a page", r#"{"output_index":7,"content_index":0,"annotation":{"type":"url_citation","url":"https://example.com","start_index":0,"end_index":2}}"#),
    read(Event, "response.refusal.delta", "a refusal", r#"{"output_index":0,"content_index":0,"delta":"no"}"#),
    read(Event, "response.refusal.done", "what was not told of the refusal", r#"{"output_index":0,"content_index":0,"refusal":"no"}"#),
    over(Event, "response.reasoning_summary_part.added", "its first piece tells", r#"{"output_index":0,"summary_index":0,"part":{"type":"summary_text","text":"hm"}}"#),
    over(Event, "response.reasoning_summary_part.done", REPEATED, r#"{"output_index":0,"summary_index":0,"part":{"type":"summary_text","text":"hm"}}"#),
    read(Event, "response.reasoning_summary_text.delta", "reasoning", r#"{"output_index":0,"summary_index":0,"delta":"hm"}"#),
    over(Event, "response.reasoning_summary_text.done", REPEATED, r#"{"output_index":0,"summary_index":0,"text":"hm"}"#),
    read(Event, "response.reasoning_text.delta", "reasoning", r#"{"output_index":0,"content_index":0,"delta":"hm"}"#),
    over(Event, "response.reasoning_text.done", REPEATED, r#"{"output_index":0,"content_index":0,"text":"hm"}"#),
    read(Event, "response.reasoning.delta", "reasoning, as Open Responses calls it", r#"{"output_index":0,"content_index":0,"delta":"hm"}"#),
    over(Event, "response.reasoning.done", REPEATED, r#"{"output_index":0,"content_index":0,"text":"hm"}"#),
    read(Event, "response.function_call_arguments.delta", "what a function is called with", r#"{"output_index":8,"delta":"{}"}"#),
    read(Event, "response.function_call_arguments.done", "what was not told of it", r#"{"output_index":8,"arguments":"{}"}"#),
    read(Event, "response.custom_tool_call_input.delta", "what a custom tool is called with", r#"{"output_index":9,"delta":"so"}"#),
    read(Event, "response.custom_tool_call_input.done", "what was not told of it", r#"{"output_index":9,"input":"so"}"#),
    over(Event, "response.web_search_call.in_progress", STAGE, r#"{"output_index":0,"item_id":"ws_1"}"#),
    over(Event, "response.web_search_call.searching", STAGE, r#"{"output_index":0,"item_id":"ws_1"}"#),
    over(Event, "response.web_search_call.completed", STAGE, r#"{"output_index":0,"item_id":"ws_1"}"#),
    read(Event, "response.completed", "the end, and what was not told of the items", r#"{"response":{"status":"completed","output":[]}}"#),
    read(Event, "response.incomplete", "the end: a limit was reached, or a filter stopped the model", r#"{"response":{"status":"incomplete","incomplete_details":{"reason":"max_output_tokens"}}}"#),
    read(Event, "response.failed", "a failure", r#"{"response":{"status":"failed","error":{"code":"server_error","message":"no"}}}"#),
    read(Event, "error", "a failure", r#"{"code":"server_error","message":"no"}"#),
    over(Event, "response.audio.delta", "never asked for", r#"{"delta":"AA=="}"#),
    over(Event, "response.audio.done", "never asked for", "{}"),
    over(Event, "response.audio.transcript.delta", "never asked for", r#"{"delta":"so"}"#),
    over(Event, "response.audio.transcript.done", "never asked for", "{}"),
    over(Event, "response.code_interpreter_call.completed", UNASKED, r#"{"output_index":0}"#),
    over(Event, "response.code_interpreter_call.in_progress", UNASKED, r#"{"output_index":0}"#),
    over(Event, "response.code_interpreter_call.interpreting", UNASKED, r#"{"output_index":0}"#),
    over(Event, "response.code_interpreter_call_code.delta", UNASKED, r#"{"output_index":0,"delta":"x"}"#),
    over(Event, "response.code_interpreter_call_code.done", UNASKED, r#"{"output_index":0,"code":"x"}"#),
    over(Event, "response.compaction.compacting", "never asked for", r#"{"output_index":0}"#),
    over(Event, "response.file_search_call.completed", UNASKED, r#"{"output_index":0}"#),
    over(Event, "response.file_search_call.in_progress", UNASKED, r#"{"output_index":0}"#),
    over(Event, "response.file_search_call.searching", UNASKED, r#"{"output_index":0}"#),
    over(Event, "response.image_generation_call.completed", UNASKED, r#"{"output_index":0}"#),
    over(Event, "response.image_generation_call.generating", UNASKED, r#"{"output_index":0}"#),
    over(Event, "response.image_generation_call.in_progress", UNASKED, r#"{"output_index":0}"#),
    over(Event, "response.image_generation_call.partial_image", UNASKED, r#"{"output_index":0}"#),
    // Members of items.
    read(Item("message"), "content", "its texts, refusals and citations", r#"[{"type":"output_text","text":"more"}]"#),
    read(Item("message"), "status", "what was broken off stays open", r#""incomplete""#),
    over(Item("message"), "id", "the answer's items have ids of their own", r#""msg_9""#),
    over(Item("message"), "role", "always `assistant`", r#""assistant""#),
    over(Item("message"), "phase", "no other dialect has it", r#""final_answer""#),
    read(Item("reasoning"), "summary", "its text", r#"[{"type":"summary_text","text":"more"}]"#),
    read(Item("reasoning"), "content", "its text, where there is no summary", r#"[{"type":"reasoning_text","text":"more"}]"#),
    read(Item("reasoning"), "encrypted_content", "what goes back with it", r#""gAAAA""#),
    read(Item("function_call"), "call_id", "the call's id", r#""call_9""#),
    read(Item("function_call"), "name", "the tool", r#""g""#),
    read(Item("function_call"), "arguments", "what it is called with", r#""{\"a\":1}""#),
    over(Item("function_call"), "namespace", "none is ever declared", r#""n""#),
    over(Item("function_call"), "id", "calls are known by `call_id`", r#""fc_9""#),
    read(Item("custom_tool_call"), "input", "what it is called with", r#""more""#),
    read(Item("web_search_call"), "action", "what was sought and found", r#"{"type":"search","query":"sse","sources":[{"type":"url","url":"https://example.com"}]}"#),
    over(Item("file_search_call"), "queries", UNASKED, r#"["x"]"#),
    over(Item("image_generation_call"), "result", UNASKED, r#""AA==""#),
    read(Item("something_new"), "content", "text, whatever it is", r#"[{"type":"prose","text":"more"}]"#),
    // The response.
    read(Response, "output", "items that were not told", r#"[{"type":"message","content":[{"type":"output_text","text":"late"}]}]"#),
    read(Response, "usage.input_tokens", "`input`", "5"),
    read(Response, "usage.output_tokens", "`output`", "7"),
    read(Response, "usage.input_tokens_details.cached_tokens", "`cached`", "2"),
    read(Response, "usage.input_tokens_details.cache_write_tokens", "`cache_written`", "2"),
    read(Response, "usage.output_tokens_details.reasoning_tokens", "`reasoning`", "2"),
    read(Response, "error", "a failure", r#"{"code":"server_error","message":"no"}"#),
    over(Response, "usage.total_tokens", "the sum is made anew", "12"),
    over(Response, "id", "quire's answers have ids of their own", r#""resp_9""#),
    over(Response, "model", "the answer names the model that was asked for", r#""m""#),
    over(Response, "created_at", "the time is quire's own", "1"),
    over(Response, "service_tier", "the tier that was asked for is echoed", r#""default""#),
    over(Response, "tools", "the request's own are echoed", "[]"),
];
