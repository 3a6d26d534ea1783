"""Calls of the official Anthropic SDK for Python, each as its documentation shows it.

    python anthropic_calls.py BASE_URL KEY MODEL RETRIES CALL:MODE...

A call is `messages.` or `models.` and a name of the table at the end; the modes are `whole`,
`stream` (the raw events) and `helper` (the SDK's own accumulating stream, or its parser). Every
answer is validated by the SDK against its types.
"""

import json

import anthropic
import pydantic

import report
import toys
from report import answer

LIMIT = 4096


class Colour(pydantic.BaseModel):
    colour: str


def make(base_url, key, retries, hooks):
    return anthropic.Anthropic(
        base_url=base_url,
        api_key=key,
        max_retries=retries,
        timeout=30,
        http_client=anthropic.DefaultHttpxClient(event_hooks=hooks),
        _strict_response_validation=True,
    )


def of_message(message):
    def blocks(kind):
        return [block for block in message.content if block.type == kind]

    return answer(
        id=message.id,
        model=message.model,
        text="".join(block.text for block in blocks("text")),
        thinking="".join(block.thinking for block in blocks("thinking")),
        sealed=[block.signature for block in blocks("thinking")],
        calls=[
            {"id": block.id, "name": block.name, "arguments": block.input}
            for block in blocks("tool_use")
        ],
        finish=message.stop_reason,
        stop=message.stop_sequence,
        usage=message.usage.to_dict(),
        parsed=(parsed := getattr(message, "parsed_output", None)) and parsed.model_dump(),
        quire=(message.model_extra or {}).get("quire"),
    )


def gather(events, told):
    """Puts the raw events together by hand; returns a message as JSON."""
    message, inputs = None, {}
    for event in events:
        told.event(event.type)
        if event.type == "message_start":
            message = event.message.to_dict()
        elif event.type == "content_block_start":
            message["content"].append(event.content_block.to_dict())
        elif event.type == "content_block_delta":
            block, delta = message["content"][event.index], event.delta
            if delta.type == "text_delta":
                block["text"] += delta.text
            elif delta.type == "thinking_delta":
                block["thinking"] += delta.thinking
            elif delta.type == "signature_delta":
                block["signature"] = delta.signature
            elif delta.type == "input_json_delta":
                inputs[event.index] = inputs.get(event.index, "") + delta.partial_json
        elif event.type == "message_delta":
            message.update(event.delta.to_dict())
            message["usage"].update(event.usage.to_dict())
            message.update(event.model_extra or {})
    for index, text in inputs.items():
        message["content"][index]["input"] = json.loads(text or "{}")
    return anthropic.types.Message.model_validate(message)


def ask(client, model, mode, told, messages, api=None, **more):
    """Asks once; notes the answer and returns its blocks for the history."""
    api = api or client.messages
    request = {"model": model, "max_tokens": LIMIT, "messages": messages, **more}
    if mode == "whole":
        message = api.create(**request)
    elif mode == "stream":
        message = gather(api.create(stream=True, **request), told)
    else:
        with api.stream(**request) as stream:
            for event in stream:
                told.event(event.type)
            message = stream.get_final_message()
    told.answers.append(of_message(message))
    return message.content


def text(client, model, mode, told):
    ask(client, model, mode, told, [{"role": "user", "content": toys.PROMPT}])


def settings(client, model, mode, told):
    messages = [
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Two"},
        {"role": "user", "content": [{"type": "text", "text": toys.PROMPT}]},
    ]
    cached = {"type": "text", "text": "Be brief.", "cache_control": {"type": "ephemeral"}}
    ask(
        client,
        model,
        mode,
        told,
        messages,
        system=[cached],
        stop_sequences=["END"],
        metadata={"user_id": "someone"},
    )


def beta(client, model, mode, told):
    """The beta form: another path and a header, and a parameter that nobody knows."""
    messages = [{"role": "user", "content": toys.PROMPT}]
    more = {"betas": ["quire-test-2026-01-01"], "extra_body": {"frobnicate": True}}
    ask(client, model, mode, told, messages, api=client.beta.messages, **more)


def tools(client, model, mode, told, **more):
    offered = [
        {"name": name, "description": tool["description"], "input_schema": tool["parameters"]}
        for name, tool in toys.TOOLS.items()
    ]
    messages = [{"role": "user", "content": toys.PROMPT}]
    for _ in range(toys.TURNS):
        content = ask(client, model, mode, told, messages, tools=offered, **more)
        calls = told.answers[-1]["calls"]
        if not calls:
            return
        results = [
            {
                "type": "tool_result",
                "tool_use_id": call["id"],
                "content": toys.use(call["name"], call["arguments"]),
            }
            for call in calls
        ]
        messages.append({"role": "assistant", "content": content})
        messages.append({"role": "user", "content": results})


def thinking(client, model, mode, told):
    tools(client, model, mode, told, thinking={"type": "enabled", "budget_tokens": 1024})


def image(client, model, mode, told):
    source = {"type": "base64", "media_type": "image/png", "data": toys.picture()}
    parts = [{"type": "text", "text": "Which colour?"}, {"type": "image", "source": source}]
    ask(client, model, mode, told, [{"role": "user", "content": parts}])


def schema(client, model, mode, told):
    messages = [{"role": "user", "content": "Which colour?"}]
    if mode == "helper":
        request = {"model": model, "max_tokens": LIMIT, "messages": messages}
        told.answers.append(of_message(client.messages.parse(**request, output_format=Colour)))
        return
    form = {"format": {"type": "json_schema", "schema": toys.COLOUR}}
    ask(client, model, mode, told, messages, output_config=form)


def count(client, model, mode, told):
    messages = [{"role": "user", "content": toys.PROMPT}]
    counted = client.messages.count_tokens(model=model, messages=messages)
    told.more["counted"] = counted.to_dict()


def models_list(client, model, mode, told):
    """Every model, by pages of two."""
    told.more["models"] = [entry.id for entry in client.models.list(limit=2)]


def models_one(client, model, mode, told):
    told.more["model"] = client.models.retrieve(model).to_dict(mode="json")


CALLS = {
    "messages.text": text,
    "messages.settings": settings,
    "messages.beta": beta,
    "messages.tools": tools,
    "messages.thinking": thinking,
    "messages.image": image,
    "messages.schema": schema,
    "messages.count": count,
    "models.list": models_list,
    "models.one": models_one,
}

if __name__ == "__main__":
    report.main(make, CALLS)
