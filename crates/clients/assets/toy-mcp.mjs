// A small MCP server over stdio, without dependencies: one tool, `add-two`, which adds two numbers.
// The name has a dash on purpose: clients rename it on the wire and must find it again.
import { createInterface } from "node:readline";

const VERSIONS = ["2025-11-25", "2025-06-18", "2025-03-26", "2024-11-05"];

const TOOL = {
  name: "add-two",
  description: "Adds two numbers.",
  inputSchema: {
    type: "object",
    properties: { a: { type: "number" }, b: { type: "number" } },
    required: ["a", "b"],
    additionalProperties: false,
  },
};

const say = (message) => process.stdout.write(JSON.stringify({ jsonrpc: "2.0", ...message }) + "\n");

const METHODS = {
  // The client's version if we know it, else our newest; the client then decides.
  initialize: ({ protocolVersion }) => ({
    protocolVersion: VERSIONS.includes(protocolVersion) ? protocolVersion : VERSIONS[0],
    capabilities: { tools: {} },
    serverInfo: { name: "toy", version: "1.0.0" },
  }),
  ping: () => ({}),
  "tools/list": () => ({ tools: [TOOL] }),
  "tools/call": ({ name, arguments: { a, b } = {} }) => {
    if (name !== TOOL.name) throw { code: -32602, message: `unknown tool ${name}` };
    return { content: [{ type: "text", text: `sum=${a + b}` }] };
  },
};

createInterface({ input: process.stdin }).on("line", (line) => {
  const { id, method, params } = JSON.parse(line);
  if (id === undefined) return; // a notification
  const answer = METHODS[method];
  if (!answer) return say({ id, error: { code: -32601, message: `no method ${method}` } });
  try {
    say({ id, result: answer(params ?? {}) });
  } catch (error) {
    say({ id, error: { code: error.code ?? -32603, message: String(error.message ?? error) } });
  }
});
