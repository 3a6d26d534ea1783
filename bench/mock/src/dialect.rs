//! The words of the three dialects that the mock answers in.

/// Renders the events of one answer. Every string handed in is free of characters to escape.
pub(crate) trait Dialect {
    fn whole(&self, model: &str, text: &str) -> String;
    fn opening(&self, model: &str) -> Vec<String>;
    fn delta(&self, model: &str, text: &str, number: usize) -> String;
    fn closing(&self, model: &str, text: &str, deltas: usize) -> Vec<String>;
}

pub(crate) struct Chat;

impl Chat {
    fn chunk(model: &str, choices: &str, tail: &str) -> String {
        format!(
            "data: {{\"id\":\"chatcmpl-bench00000000000000000001\",\
             \"object\":\"chat.completion.chunk\",\"created\":1760000000,\"model\":\"{model}\",\
             \"system_fingerprint\":\"fp_bench00001\",\"choices\":[{choices}]{tail}}}\n\n"
        )
    }
}

const CHAT_USAGE: &str = "\"usage\":{\"prompt_tokens\":15000,\"completion_tokens\":200,\
    \"total_tokens\":15200,\"prompt_tokens_details\":{\"cached_tokens\":12000},\
    \"completion_tokens_details\":{\"reasoning_tokens\":0}}";

impl Dialect for Chat {
    fn whole(&self, model: &str, text: &str) -> String {
        format!(
            "{{\"id\":\"chatcmpl-bench00000000000000000001\",\"object\":\"chat.completion\",\
             \"created\":1760000000,\"model\":\"{model}\",\"choices\":[{{\"index\":0,\
             \"message\":{{\"role\":\"assistant\",\"content\":\"{text}\"}},\"logprobs\":null,\
             \"finish_reason\":\"stop\"}}],{CHAT_USAGE}}}"
        )
    }

    fn opening(&self, model: &str) -> Vec<String> {
        let role = "{\"index\":0,\"delta\":{\"role\":\"assistant\",\"content\":\"\"},\
                    \"logprobs\":null,\"finish_reason\":null}";
        vec![Self::chunk(model, role, "")]
    }

    fn delta(&self, model: &str, text: &str, _number: usize) -> String {
        let choice = format!(
            "{{\"index\":0,\"delta\":{{\"content\":\"{text}\"}},\"logprobs\":null,\
             \"finish_reason\":null}}"
        );
        Self::chunk(model, &choice, "")
    }

    fn closing(&self, model: &str, _text: &str, _deltas: usize) -> Vec<String> {
        let finish = "{\"index\":0,\"delta\":{},\"logprobs\":null,\"finish_reason\":\"stop\"}";
        vec![
            Self::chunk(model, finish, ""),
            Self::chunk(model, "", &format!(",{CHAT_USAGE}")),
            "data: [DONE]\n\n".to_owned(),
        ]
    }
}

pub(crate) struct Responses;

const RESPONSES_USAGE: &str = "{\"input_tokens\":15000,\"input_tokens_details\":\
    {\"cached_tokens\":12000},\"output_tokens\":200,\"output_tokens_details\":\
    {\"reasoning_tokens\":0},\"total_tokens\":15200}";

impl Responses {
    fn event(kind: &str, number: usize, members: &str) -> String {
        format!(
            "event: {kind}\ndata: {{\"type\":\"{kind}\",\"sequence_number\":{number},{members}}}\n\n"
        )
    }

    fn object(model: &str, status: &str, output: &str, usage: &str) -> String {
        format!(
            "{{\"id\":\"resp_bench0000000000000000000000000001\",\"object\":\"response\",\
             \"created_at\":1760000000,\"status\":\"{status}\",\"error\":null,\
             \"incomplete_details\":null,\"instructions\":null,\"max_output_tokens\":null,\
             \"model\":\"{model}\",\"output\":[{output}],\"parallel_tool_calls\":true,\
             \"previous_response_id\":null,\"store\":false,\"temperature\":1.0,\
             \"text\":{{\"format\":{{\"type\":\"text\"}}}},\"tool_choice\":\"auto\",\"tools\":[],\
             \"top_p\":1.0,\"truncation\":\"disabled\",\"usage\":{usage},\"metadata\":{{}}}}"
        )
    }

    fn message(status: &str, content: &str) -> String {
        format!(
            "{{\"id\":\"msg_bench01\",\"type\":\"message\",\"status\":\"{status}\",\
             \"role\":\"assistant\",\"content\":[{content}]}}"
        )
    }

    fn part(text: &str) -> String {
        format!(
            "{{\"type\":\"output_text\",\"text\":\"{text}\",\"annotations\":[],\"logprobs\":[]}}"
        )
    }
}

const PLACE: &str = "\"item_id\":\"msg_bench01\",\"output_index\":0,\"content_index\":0";

impl Dialect for Responses {
    fn whole(&self, model: &str, text: &str) -> String {
        let message = Self::message("completed", &Self::part(text));
        Self::object(model, "completed", &message, RESPONSES_USAGE)
    }

    fn opening(&self, model: &str) -> Vec<String> {
        let response = format!("\"response\":{}", Self::object(model, "in_progress", "", "null"));
        let item = format!("\"output_index\":0,\"item\":{}", Self::message("in_progress", ""));
        let part = format!("{PLACE},\"part\":{}", Self::part(""));
        vec![
            Self::event("response.created", 0, &response),
            Self::event("response.in_progress", 1, &response),
            Self::event("response.output_item.added", 2, &item),
            Self::event("response.content_part.added", 3, &part),
        ]
    }

    fn delta(&self, _model: &str, text: &str, number: usize) -> String {
        let members = format!("{PLACE},\"delta\":\"{text}\",\"logprobs\":[]");
        Self::event("response.output_text.delta", 4 + number, &members)
    }

    fn closing(&self, model: &str, text: &str, deltas: usize) -> Vec<String> {
        let next = 4 + deltas;
        let message = Self::message("completed", &Self::part(text));
        let response = Self::object(model, "completed", &message, RESPONSES_USAGE);
        vec![
            Self::event(
                "response.output_text.done",
                next,
                &format!("{PLACE},\"text\":\"{text}\",\"logprobs\":[]"),
            ),
            Self::event(
                "response.content_part.done",
                next + 1,
                &format!("{PLACE},\"part\":{}", Self::part(text)),
            ),
            Self::event(
                "response.output_item.done",
                next + 2,
                &format!("\"output_index\":0,\"item\":{message}"),
            ),
            Self::event("response.completed", next + 3, &format!("\"response\":{response}")),
        ]
    }
}

pub(crate) struct Messages;

const MESSAGES_USAGE: &str = "\"usage\":{\"input_tokens\":3000,\"cache_read_input_tokens\":12000,\
    \"cache_creation_input_tokens\":0,\"output_tokens\":200}";

impl Messages {
    fn event(kind: &str, members: &str) -> String {
        format!("event: {kind}\ndata: {{\"type\":\"{kind}\"{members}}}\n\n")
    }

    fn message(model: &str, content: &str, stop: &str) -> String {
        format!(
            "{{\"id\":\"msg_bench000000000000000001\",\"type\":\"message\",\
             \"role\":\"assistant\",\"model\":\"{model}\",\"content\":[{content}],\
             \"stop_reason\":{stop},\"stop_sequence\":null,{MESSAGES_USAGE}}}"
        )
    }
}

impl Dialect for Messages {
    fn whole(&self, model: &str, text: &str) -> String {
        let block = format!("{{\"type\":\"text\",\"text\":\"{text}\"}}");
        Self::message(model, &block, "\"end_turn\"")
    }

    fn opening(&self, model: &str) -> Vec<String> {
        let message = Self::message(model, "", "null");
        let block = ",\"index\":0,\"content_block\":{\"type\":\"text\",\"text\":\"\"}";
        vec![
            Self::event("message_start", &format!(",\"message\":{message}")),
            Self::event("content_block_start", block),
        ]
    }

    fn delta(&self, _model: &str, text: &str, _number: usize) -> String {
        let delta =
            format!(",\"index\":0,\"delta\":{{\"type\":\"text_delta\",\"text\":\"{text}\"}}");
        Self::event("content_block_delta", &delta)
    }

    fn closing(&self, _model: &str, _text: &str, _deltas: usize) -> Vec<String> {
        let end = ",\"delta\":{\"stop_reason\":\"end_turn\",\"stop_sequence\":null},\
                   \"usage\":{\"output_tokens\":200}";
        vec![
            Self::event("content_block_stop", ",\"index\":0"),
            Self::event("message_delta", end),
            Self::event("message_stop", ""),
        ]
    }
}
