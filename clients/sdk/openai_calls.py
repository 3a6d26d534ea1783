"""Calls of the official OpenAI SDK for Python, each as its documentation shows it.

    python openai_calls.py BASE_URL KEY MODEL RETRIES CALL:MODE...

A call is `chat.`, `responses.` or `models.` and a name of the tables at the end; the modes are
`whole`, `stream` and `helper` (the SDK's own accumulating stream, or its parser). Every answer is
validated by the SDK against its types.
"""

import json

import openai
import pydantic

import report
import toys
from report import answer


class Colour(pydantic.BaseModel):
    colour: str


def make(base_url, key, retries, hooks):
    return openai.OpenAI(
        base_url=base_url,
        api_key=key,
        max_retries=retries,
        timeout=30,
        http_client=openai.DefaultHttpxClient(event_hooks=hooks),
        _strict_response_validation=True,
    )


def arguments(text):
    """The arguments of a call as the user reads them: parsed, or the text that cannot be."""
    try:
        return json.loads(text)
    except ValueError:
        return {"(not JSON)": text}


# Chat Completions


def of_completion(completion):
    choice = completion.choices[0]
    message = choice.message
    extra = message.model_extra or {}
    return answer(
        id=completion.id,
        model=completion.model,
        text=message.content or "",
        refusal=message.refusal,
        thinking=extra.get("reasoning_content") or extra.get("reasoning") or "",
        calls=[
            {
                "id": call.id,
                "name": call.function.name,
                "arguments": arguments(call.function.arguments),
            }
            for call in message.tool_calls or []
        ],
        finish=choice.finish_reason,
        usage=completion.usage and completion.usage.to_dict(),
        parsed=(parsed := getattr(message, "parsed", None)) and parsed.model_dump(),
        quire=(completion.model_extra or {}).get("quire"),
        texts=[choice.message.content for choice in completion.choices],
    )


def gather(chunks, told):
    """Puts a stream together by hand, as users do who do not use the helper."""
    members = answer()
    texts, calls = {}, {}
    for chunk in chunks:
        members.update(id=chunk.id, model=chunk.model)
        members["usage"] = chunk.usage.to_dict() if chunk.usage else members["usage"]
        members["quire"] = (chunk.model_extra or {}).get("quire") or members["quire"]
        for choice in chunk.choices:
            delta, extra = choice.delta, choice.delta.model_extra or {}
            thought = extra.get("reasoning_content") or extra.get("reasoning")
            kinds = {"text": delta.content, "refusal": delta.refusal, "thinking": thought}
            for kind, piece in kinds.items():
                if piece:
                    told.event(kind)
            if delta.content:
                texts[choice.index] = texts.get(choice.index, "") + delta.content
            if delta.refusal:
                members["refusal"] = (members["refusal"] or "") + delta.refusal
            members["thinking"] += thought or ""
            for piece in delta.tool_calls or []:
                told.event("call")
                call = calls.setdefault(piece.index, {"id": "", "name": "", "arguments": ""})
                call["id"] = call["id"] or piece.id
                call["name"] = call["name"] or piece.function.name
                call["arguments"] += piece.function.arguments or ""
            if choice.finish_reason:
                told.event("finish")
                members["finish"] = choice.finish_reason
        if not chunk.choices and chunk.usage:
            told.event("usage")
    members["texts"] = [texts[index] for index in sorted(texts)]
    members["text"] = texts.get(0, "")
    ordered = [calls[index] for index in sorted(calls)]
    members["calls"] = [{**call, "arguments": arguments(call["arguments"])} for call in ordered]
    return members


def history_of(members):
    """The message of an answer as users write it who put a stream together."""
    message = {"role": "assistant", "content": members["text"] or None}
    if members["thinking"]:
        message["reasoning_content"] = members["thinking"]
    if members["calls"]:
        message["tool_calls"] = [
            {
                "id": call["id"],
                "type": "function",
                "function": {"name": call["name"], "arguments": json.dumps(call["arguments"])},
            }
            for call in members["calls"]
        ]
    return message


def chat_ask(client, model, mode, told, messages, **more):
    """Asks once; notes the answer and returns the message for the history."""
    request = {"model": model, "messages": messages, **more}
    if mode == "whole":
        completion = client.chat.completions.create(**request)
        told.answers.append(of_completion(completion))
        return completion.choices[0].message
    request["stream_options"] = {"include_usage": True}
    if mode == "stream":
        told.answers.append(gather(client.chat.completions.create(stream=True, **request), told))
        return history_of(told.answers[-1])
    thinking = ""
    with client.chat.completions.stream(**request) as stream:
        for event in stream:
            if event.type != "chunk":
                told.event(event.type)
                continue
            # The helper loses the first piece of what is not OpenAI's own.
            for choice in event.chunk.choices:
                thinking += (choice.delta.model_extra or {}).get("reasoning_content") or ""
        told.answers.append(of_completion(stream.get_final_completion()))
    told.answers[-1]["thinking"] = thinking
    # The parser's own members, such as `parsed`, are no part of the request's types.
    return history_of(told.answers[-1])


def chat_text(client, model, mode, told):
    chat_ask(client, model, mode, told, [{"role": "user", "content": toys.PROMPT}])


def chat_settings(client, model, mode, told):
    messages = [
        {"role": "system", "content": "Be brief."},
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Two"},
        {"role": "developer", "content": "Count on."},
        {"role": "user", "content": toys.PROMPT},
    ]
    chat_ask(
        client,
        model,
        mode,
        told,
        messages,
        max_completion_tokens=500,
        stop=["END"],
        temperature=0.5,
        top_p=0.9,
        user="someone",
    )


def chat_odd(client, model, mode, told):
    """Parameters that few servers know, and one that none does."""
    more = {"logit_bias": {"50256": -100}, "seed": 7, "metadata": {"a": "b"}, "store": False}
    messages = [{"role": "user", "content": toys.PROMPT}]
    chat_ask(client, model, mode, told, messages, **more, extra_body={"frobnicate": True})


def chat_tools(client, model, mode, told, **more):
    strict = {"strict": True} if mode == "helper" else {}
    tools = [
        {"type": "function", "function": {"name": name, **tool, **strict}}
        for name, tool in toys.TOOLS.items()
    ]
    messages = [{"role": "user", "content": toys.PROMPT}]
    for _ in range(toys.TURNS):
        message = chat_ask(client, model, mode, told, messages, tools=tools, **more)
        calls = told.answers[-1]["calls"]
        if not calls:
            return
        messages.append(message)
        for call in calls:
            result = toys.use(call["name"], call["arguments"])
            messages.append({"role": "tool", "tool_call_id": call["id"], "content": result})


def chat_thinking(client, model, mode, told):
    """A tool loop of a model that thinks."""
    chat_tools(client, model, mode, told, reasoning_effort="low")


def chat_image(client, model, mode, told):
    url = {"url": f"data:image/png;base64,{toys.picture()}"}
    parts = [{"type": "text", "text": "Which colour?"}, {"type": "image_url", "image_url": url}]
    chat_ask(client, model, mode, told, [{"role": "user", "content": parts}])


def chat_schema(client, model, mode, told):
    """Structured output: by the schema, or by the helper that makes and reads it."""
    messages = [{"role": "user", "content": "Which colour?"}]
    if mode == "helper":
        completion = client.chat.completions.parse(
            model=model, messages=messages, response_format=Colour
        )
        told.answers.append(of_completion(completion))
        return
    named = {"name": "colour", "schema": toys.COLOUR, "strict": True}
    form = {"type": "json_schema", "json_schema": named}
    chat_ask(client, model, mode, told, messages, response_format=form)


def chat_several(client, model, mode, told):
    chat_ask(client, model, mode, told, [{"role": "user", "content": toys.PROMPT}], n=2)


# Responses


def of_response(response):
    texts, refusals, thoughts, calls, parsed = [], [], [], [], None
    for item in response.output:
        if item.type == "message":
            for part in item.content:
                if part.type == "output_text":
                    texts.append(part.text)
                    parsed = getattr(part, "parsed", None) or parsed
                else:
                    refusals.append(part.refusal)
        elif item.type == "reasoning":
            thoughts += [part.text for part in [*item.summary, *(item.content or [])]]
        elif item.type == "function_call":
            call = {"id": item.call_id, "name": item.name, "arguments": arguments(item.arguments)}
            calls.append(call)
    return answer(
        id=response.id,
        model=response.model,
        text="".join(texts),
        refusal="".join(refusals) or None,
        thinking="".join(thoughts),
        calls=calls,
        finish=response.status,
        usage=response.usage and response.usage.to_dict(),
        parsed=parsed and parsed.model_dump(),
        quire=(response.model_extra or {}).get("quire"),
        failure=response.error and response.error.to_dict(),
        incomplete=response.incomplete_details and response.incomplete_details.reason,
        sealed=[item.encrypted_content for item in response.output if item.type == "reasoning"],
    )


TERMINAL = ("response.completed", "response.incomplete", "response.failed")


def responses_ask(client, model, mode, told, given, **more):
    """Asks once; notes the answer and returns its items for the history."""
    request = {"model": model, "input": given, **more}
    if mode == "whole":
        response = client.responses.create(**request)
    elif mode == "stream":
        response, spoken = None, ""
        for event in client.responses.create(stream=True, **request):
            told.event(event.type)
            spoken += event.delta if event.type == "response.output_text.delta" else ""
            response = event.response if event.type in TERMINAL else response
        told.more["spoken"] = spoken
    else:
        with client.responses.stream(**request) as stream:
            for event in stream:
                told.event(event.type)
            response = stream.get_final_response()
    told.answers.append(of_response(response))
    return response.output


def responses_text(client, model, mode, told):
    responses_ask(client, model, mode, told, toys.PROMPT)


def responses_settings(client, model, mode, told):
    given = [
        {"role": "user", "content": "One"},
        {"role": "assistant", "content": "Two"},
        {"role": "developer", "content": "Count on."},
        {"role": "user", "content": toys.PROMPT},
    ]
    responses_ask(
        client,
        model,
        mode,
        told,
        given,
        instructions="Be brief.",
        max_output_tokens=500,
        temperature=0.5,
        top_p=0.9,
        metadata={"a": "b"},
        user="someone",
    )


def responses_tools(client, model, mode, told, **more):
    tools = [
        {"type": "function", "name": name, "strict": mode == "helper", **tool}
        for name, tool in toys.TOOLS.items()
    ]
    given = [{"role": "user", "content": toys.PROMPT}]
    for _ in range(toys.TURNS):
        given += responses_ask(client, model, mode, told, given, tools=tools, **more)
        calls = told.answers[-1]["calls"]
        if not calls:
            return
        for call in calls:
            result = toys.use(call["name"], call["arguments"])
            kind = "function_call_output"
            given.append({"type": kind, "call_id": call["id"], "output": result})


def responses_thinking(client, model, mode, told):
    """A tool loop that sends its reasoning back, as is done without stored responses."""
    more = {"store": False, "include": ["reasoning.encrypted_content"]}
    reasoning = {"effort": "low", "summary": "auto"}
    responses_tools(client, model, mode, told, reasoning=reasoning, **more)


def responses_image(client, model, mode, told):
    url = f"data:image/png;base64,{toys.picture()}"
    image = {"type": "input_image", "image_url": url, "detail": "auto"}
    parts = [{"type": "input_text", "text": "Which colour?"}, image]
    responses_ask(client, model, mode, told, [{"role": "user", "content": parts}])


def responses_schema(client, model, mode, told):
    if mode == "helper":
        response = client.responses.parse(model=model, input="Which colour?", text_format=Colour)
        told.answers.append(of_response(response))
        return
    form = {"type": "json_schema", "name": "colour", "schema": toys.COLOUR, "strict": True}
    responses_ask(client, model, mode, told, "Which colour?", text={"format": form})


def responses_count(client, model, mode, told):
    count = client.responses.input_tokens.count(model=model, input=toys.PROMPT)
    told.more["counted"] = count.to_dict()


# Models


def models_list(client, model, mode, told):
    told.more["models"] = [entry.id for entry in client.models.list()]


def models_one(client, model, mode, told):
    told.more["model"] = client.models.retrieve(model).to_dict(mode="json")


CALLS = {
    "chat.text": chat_text,
    "chat.settings": chat_settings,
    "chat.odd": chat_odd,
    "chat.tools": chat_tools,
    "chat.image": chat_image,
    "chat.thinking": chat_thinking,
    "chat.schema": chat_schema,
    "chat.several": chat_several,
    "responses.text": responses_text,
    "responses.settings": responses_settings,
    "responses.tools": responses_tools,
    "responses.thinking": responses_thinking,
    "responses.image": responses_image,
    "responses.schema": responses_schema,
    "responses.count": responses_count,
    "models.list": models_list,
    "models.one": models_one,
}

if __name__ == "__main__":
    report.main(make, CALLS)
