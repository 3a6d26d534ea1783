// Calls of the official OpenAI SDK for JavaScript, each as its documentation shows it.
//
//     NODE_PATH=... node openai-calls.mjs BASE_URL KEY MODEL RETRIES CALL:MODE...
//
// The calls, modes and lines of output are those of openai_calls.py.

import { answer, main } from "./report.mjs";
import { any, be, boolean, integer, list, maybe, members } from "./shape.mjs";
import { number, object, one, string, tagged } from "./shape.mjs";
import * as toys from "./toys.mjs";

const OpenAI = toys.sdk("openai").OpenAI;
const { standardResponseFormat, standardTextFormat } = toys.sdk("openai/helpers/standard-schema");

const make = (baseURL, apiKey, maxRetries, fetch) =>
  new OpenAI({ baseURL, apiKey, maxRetries, fetch, timeout: 30_000 });

// A validator in the form that the SDK's parsers take.
const Colour = {
  "~standard": {
    version: 1,
    vendor: "toys",
    validate: (value) =>
      typeof value?.colour === "string" ? { value } : { issues: [{ message: "no colour" }] },
    jsonSchema: { input: () => toys.COLOUR },
  },
};

/** The arguments of a call as the user reads them: parsed, or the text that cannot be. */
function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return { "(not JSON)": text };
  }
}

// Chat Completions

const FINISH = one("stop", "length", "tool_calls", "content_filter", "function_call");
const USAGE = members({
  prompt_tokens: integer,
  completion_tokens: integer,
  total_tokens: integer,
  prompt_tokens_details: maybe(members({ cached_tokens: maybe(integer) })),
  completion_tokens_details: maybe(members({ reasoning_tokens: maybe(integer) })),
});
const CALL = members({
  id: string,
  type: one("function"),
  function: members({ name: string, arguments: string }),
});
const MESSAGE = members({
  role: one("assistant"),
  content: maybe(string),
  refusal: maybe(string),
  tool_calls: maybe(list(CALL)),
});
const COMPLETION = members({
  id: string,
  object: one("chat.completion"),
  created: integer,
  model: string,
  choices: list(members({ index: integer, finish_reason: FINISH, message: MESSAGE })),
  usage: maybe(USAGE),
});
const PIECE = members({
  index: integer,
  id: maybe(string),
  type: maybe(one("function")),
  function: maybe(members({ name: maybe(string), arguments: maybe(string) })),
});
const DELTA = members({
  role: maybe(one("assistant")),
  content: maybe(string),
  refusal: maybe(string),
  tool_calls: maybe(list(PIECE)),
});
const CHUNK = members({
  id: string,
  object: one("chat.completion.chunk"),
  created: integer,
  model: string,
  choices: list(members({ index: integer, finish_reason: maybe(FINISH), delta: DELTA })),
  usage: maybe(USAGE),
});

function ofCompletion(completion) {
  be(COMPLETION, completion, "completion");
  const { message, finish_reason } = completion.choices[0];
  return answer({
    id: completion.id,
    model: completion.model,
    text: message.content ?? "",
    refusal: message.refusal ?? null,
    thinking: message.reasoning_content ?? message.reasoning ?? "",
    calls: (message.tool_calls ?? []).map((call) => ({
      id: call.id,
      name: call.function.name,
      arguments: parsed(call.function.arguments),
    })),
    finish: finish_reason,
    usage: completion.usage ?? null,
    parsed: message.parsed ?? null,
    quire: completion.quire ?? null,
    texts: completion.choices.map((choice) => choice.message.content),
  });
}

/** Puts a stream together by hand, as users do who do not use the helper. */
async function gather(chunks, told) {
  const members = answer({});
  const texts = [];
  const calls = [];
  for await (const chunk of chunks) {
    be(CHUNK, chunk, "chunk");
    members.id = chunk.id;
    members.model = chunk.model;
    members.usage = chunk.usage ?? members.usage;
    members.quire = chunk.quire ?? members.quire;
    for (const { index, delta, finish_reason } of chunk.choices) {
      const thought = delta.reasoning_content ?? delta.reasoning;
      const kinds = { text: delta.content, refusal: delta.refusal, thinking: thought };
      for (const [kind, piece] of Object.entries(kinds)) if (piece) told.event(kind);
      if (delta.content) texts[index] = (texts[index] ?? "") + delta.content;
      if (delta.refusal) members.refusal = (members.refusal ?? "") + delta.refusal;
      members.thinking += thought ?? "";
      for (const piece of delta.tool_calls ?? []) {
        told.event("call");
        const call = (calls[piece.index] ??= { id: "", name: "", arguments: "" });
        call.id ||= piece.id;
        call.name ||= piece.function.name;
        call.arguments += piece.function.arguments ?? "";
      }
      if (finish_reason) {
        told.event("finish");
        members.finish = finish_reason;
      }
    }
    if (chunk.choices.length === 0 && chunk.usage) told.event("usage");
  }
  members.texts = texts;
  members.text = texts[0] ?? "";
  members.calls = calls.map((call) => ({ ...call, arguments: parsed(call.arguments) }));
  return members;
}

/** The message of an answer as users write it who put a stream together. */
function historyOf({ text, thinking, calls }) {
  const message = { role: "assistant", content: text || null };
  if (thinking) message.reasoning_content = thinking;
  if (calls.length > 0)
    message.tool_calls = calls.map((call) => ({
      id: call.id,
      type: "function",
      function: { name: call.name, arguments: JSON.stringify(call.arguments) },
    }));
  return message;
}

/** Asks once; notes the answer and returns the message for the history. */
async function chatAsk(client, model, mode, told, messages, more = {}) {
  const request = { model, messages, ...more };
  if (mode === "whole") {
    const completion = await client.chat.completions.create(request);
    told.answers.push(ofCompletion(completion));
    return completion.choices[0].message;
  }
  request.stream_options = { include_usage: true };
  if (mode === "stream") {
    const chunks = await client.chat.completions.create({ ...request, stream: true });
    told.answers.push(await gather(chunks, told));
    return historyOf(told.answers.at(-1));
  }
  const stream = client.chat.completions.stream(request);
  for (const kind of ["content.delta", "content.done", "refusal.delta", "refusal.done"])
    stream.on(kind, () => told.event(kind));
  for (const end of ["delta", "done"]) {
    const kind = `tool_calls.function.arguments.${end}`;
    stream.on(kind, () => told.event(kind));
  }
  // The helper loses the first piece of what is not OpenAI's own.
  let thinking = "";
  stream.on("chunk", (chunk) => {
    be(CHUNK, chunk, "chunk");
    for (const { delta } of chunk.choices) thinking += delta.reasoning_content ?? "";
  });
  told.answers.push({ ...ofCompletion(await stream.finalChatCompletion()), thinking });
  // The parser's own members, such as `parsed`, are no part of the request's types.
  return historyOf(told.answers.at(-1));
}

const user = (content) => ({ role: "user", content });

const chat = {
  text: (client, model, mode, told) => chatAsk(client, model, mode, told, [user(toys.PROMPT)]),

  settings: (client, model, mode, told) => {
    const messages = [
      { role: "system", content: "Be brief." },
      user("One"),
      { role: "assistant", content: "Two" },
      { role: "developer", content: "Count on." },
      user(toys.PROMPT),
    ];
    const limits = { max_completion_tokens: 500, stop: ["END"] };
    const more = { ...limits, temperature: 0.5, top_p: 0.9, user: "someone" };
    return chatAsk(client, model, mode, told, messages, more);
  },

  // Parameters that few servers know, and one that none does.
  odd: (client, model, mode, told) => {
    const known = { logit_bias: { 50256: -100 }, seed: 7, metadata: { a: "b" }, store: false };
    return chatAsk(client, model, mode, told, [user(toys.PROMPT)], { ...known, frobnicate: true });
  },

  tools: async (client, model, mode, told, more = {}) => {
    const strict = mode === "helper" ? { strict: true } : {};
    const tools = Object.entries(toys.TOOLS).map(([name, tool]) => ({
      type: "function",
      function: { name, ...tool, ...strict },
    }));
    const messages = [user(toys.PROMPT)];
    for (let turn = 0; turn < toys.TURNS; turn += 1) {
      const message = await chatAsk(client, model, mode, told, messages, { tools, ...more });
      const { calls } = told.answers.at(-1);
      if (calls.length === 0) return;
      messages.push(message);
      for (const call of calls) {
        const content = toys.use(call.name, call.arguments);
        messages.push({ role: "tool", tool_call_id: call.id, content });
      }
    }
  },

  image: (client, model, mode, told) => {
    const image_url = { url: `data:image/png;base64,${toys.picture()}` };
    const parts = [{ type: "text", text: "Which colour?" }, { type: "image_url", image_url }];
    return chatAsk(client, model, mode, told, [user(parts)]);
  },

  // A tool loop of a model that thinks.
  thinking: (client, model, mode, told) =>
    chat.tools(client, model, mode, told, { reasoning_effort: "low" }),

  // Structured output: by the schema, or by the helper that makes and reads it.
  schema: async (client, model, mode, told) => {
    const messages = [user("Which colour?")];
    if (mode === "helper") {
      const response_format = standardResponseFormat(Colour, "colour");
      const completion = await client.chat.completions.parse({ model, messages, response_format });
      told.answers.push(ofCompletion(completion));
      return;
    }
    const json_schema = { name: "colour", schema: toys.COLOUR, strict: true };
    const response_format = { type: "json_schema", json_schema };
    await chatAsk(client, model, mode, told, messages, { response_format });
  },

  several: (client, model, mode, told) =>
    chatAsk(client, model, mode, told, [user(toys.PROMPT)], { n: 2 }),
};

// Responses

const SUMMARY = members({ type: one("summary_text"), text: string });
const THOUGHT = members({ type: one("reasoning_text"), text: string });
const ITEM = tagged({
  message: members({
    id: string,
    role: one("assistant"),
    status: one("in_progress", "completed", "incomplete"),
    content: list(
      tagged({
        output_text: members({ text: string, annotations: list(object) }),
        refusal: members({ refusal: string }),
      }),
    ),
  }),
  reasoning: members({ id: string, summary: list(SUMMARY), content: maybe(list(THOUGHT)) }),
  function_call: members({ call_id: string, name: string, arguments: string }),
});
const RESPONSE = members({
  id: string,
  object: one("response"),
  created_at: number,
  model: string,
  status: one("completed", "failed", "in_progress", "incomplete"),
  output: list(ITEM),
  error: maybe(members({ code: string, message: string })),
  incomplete_details: maybe(members({ reason: one("max_output_tokens", "content_filter") })),
  parallel_tool_calls: boolean,
  tool_choice: any,
  tools: list(object),
  usage: maybe(
    members({
      input_tokens: integer,
      output_tokens: integer,
      total_tokens: integer,
      input_tokens_details: members({ cached_tokens: integer }),
      output_tokens_details: members({ reasoning_tokens: integer }),
    }),
  ),
});
const FULL = members({ response: RESPONSE });
const TEXT = { item_id: string, output_index: integer, content_index: integer };
const ARGUMENTS = { item_id: string, output_index: integer };
const PART = members({ ...TEXT, part: members({ type: string }) });
const ADDED = members({ output_index: integer, item: ITEM });
const EVENT = tagged({
  "response.created": FULL,
  "response.in_progress": FULL,
  "response.completed": FULL,
  "response.incomplete": FULL,
  "response.failed": FULL,
  "response.output_item.added": ADDED,
  "response.output_item.done": ADDED,
  "response.content_part.added": PART,
  "response.content_part.done": PART,
  "response.output_text.delta": members({ ...TEXT, delta: string, logprobs: list(any) }),
  "response.output_text.done": members({ ...TEXT, text: string, logprobs: list(any) }),
  "response.reasoning_text.delta": members({ ...TEXT, delta: string }),
  "response.reasoning_text.done": members({ ...TEXT, text: string }),
  "response.function_call_arguments.delta": members({ ...ARGUMENTS, delta: string }),
  "response.function_call_arguments.done": members({ ...ARGUMENTS, arguments: string }),
});
const NUMBERED = members({ type: string, sequence_number: integer });

function ofResponse(response) {
  be(RESPONSE, response, "response");
  const items = (kind) => response.output.filter((item) => item.type === kind);
  const parts = items("message").flatMap((item) => item.content);
  const thoughts = items("reasoning").flatMap((item) => [...item.summary, ...(item.content ?? [])]);
  const joined = (from, name) => from.map((part) => part[name] ?? "").join("");
  return answer({
    id: response.id,
    model: response.model,
    text: joined(parts, "text"),
    refusal: joined(parts, "refusal") || null,
    thinking: joined(thoughts, "text"),
    calls: items("function_call").map((item) => ({
      id: item.call_id,
      name: item.name,
      arguments: parsed(item.arguments),
    })),
    finish: response.status,
    usage: response.usage ?? null,
    parsed: response.output_parsed ?? null,
    quire: response.quire ?? null,
    failure: response.error ?? null,
    incomplete: response.incomplete_details?.reason ?? null,
    sealed: items("reasoning").map((item) => item.encrypted_content ?? null),
  });
}

const TERMINAL = ["response.completed", "response.incomplete", "response.failed"];

/** Asks once; notes the answer and returns its items for the history. */
async function responsesAsk(client, model, mode, told, input, more = {}) {
  const request = { model, input, ...more };
  const heard = (event) => {
    be(EVENT, event, event.type);
    be(NUMBERED, event, event.type);
    told.event(event.type);
  };
  let response = null;
  if (mode === "whole") {
    response = await client.responses.create(request);
  } else if (mode === "stream") {
    told.more.spoken = "";
    for await (const event of await client.responses.create({ ...request, stream: true })) {
      heard(event);
      if (event.type === "response.output_text.delta") told.more.spoken += event.delta;
      if (TERMINAL.includes(event.type)) response = event.response;
    }
  } else {
    const stream = client.responses.stream(request);
    stream.on("event", heard);
    response = await stream.finalResponse();
  }
  told.answers.push(ofResponse(response));
  return response.output.map(unparsed);
}

/** An item without the members of the SDK's parser, which are no part of the request's types. */
function unparsed({ parsed_arguments, ...item }) {
  if (item.type === "message") item.content = item.content.map(({ parsed, ...part }) => part);
  return item;
}

const responses = {
  text: (client, model, mode, told) => responsesAsk(client, model, mode, told, toys.PROMPT),

  settings: (client, model, mode, told) => {
    const input = [
      user("One"),
      { role: "assistant", content: "Two" },
      { role: "developer", content: "Count on." },
      user(toys.PROMPT),
    ];
    const limits = { instructions: "Be brief.", max_output_tokens: 500 };
    const more = { ...limits, temperature: 0.5, top_p: 0.9, metadata: { a: "b" }, user: "someone" };
    return responsesAsk(client, model, mode, told, input, more);
  },

  tools: async (client, model, mode, told, more = {}) => {
    const strict = mode === "helper";
    const tools = Object.entries(toys.TOOLS).map(([name, tool]) => ({
      type: "function",
      name,
      strict,
      ...tool,
    }));
    const input = [user(toys.PROMPT)];
    for (let turn = 0; turn < toys.TURNS; turn += 1) {
      input.push(...(await responsesAsk(client, model, mode, told, input, { tools, ...more })));
      const { calls } = told.answers.at(-1);
      if (calls.length === 0) return;
      for (const call of calls) {
        const output = toys.use(call.name, call.arguments);
        input.push({ type: "function_call_output", call_id: call.id, output });
      }
    }
  },

  // A tool loop that sends its reasoning back, as is done without stored responses.
  thinking: (client, model, mode, told) => {
    const kept = { store: false, include: ["reasoning.encrypted_content"] };
    const more = { reasoning: { effort: "low", summary: "auto" }, ...kept };
    return responses.tools(client, model, mode, told, more);
  },

  image: (client, model, mode, told) => {
    const image_url = `data:image/png;base64,${toys.picture()}`;
    const image = { type: "input_image", image_url, detail: "auto" };
    const parts = [{ type: "input_text", text: "Which colour?" }, image];
    return responsesAsk(client, model, mode, told, [user(parts)]);
  },

  schema: async (client, model, mode, told) => {
    const input = "Which colour?";
    if (mode === "helper") {
      const text = { format: standardTextFormat(Colour, "colour") };
      told.answers.push(ofResponse(await client.responses.parse({ model, input, text })));
      return;
    }
    const format = { type: "json_schema", name: "colour", schema: toys.COLOUR, strict: true };
    await responsesAsk(client, model, mode, told, input, { text: { format } });
  },

  count: async (client, model, mode, told) => {
    const counted = await client.responses.inputTokens.count({ model, input: toys.PROMPT });
    const type = members({ object: one("response.input_tokens"), input_tokens: integer });
    told.more.counted = be(type, counted, "count");
  },
};

// Models

const MODEL = members({ id: string, object: one("model"), created: integer, owned_by: string });

const models = {
  list: async (client, model, mode, told) => {
    told.more.models = [];
    for await (const entry of client.models.list())
      told.more.models.push(be(MODEL, entry, "model").id);
  },

  one: async (client, model, mode, told) => {
    told.more.model = be(MODEL, await client.models.retrieve(model), "model");
  },
};

const named = (prefix, calls) =>
  Object.fromEntries(Object.entries(calls).map(([name, call]) => [`${prefix}.${name}`, call]));

await main(make, {
  ...named("chat", chat),
  ...named("responses", responses),
  ...named("models", models),
});
