// OpenAI's SDKs, for Node and for Python. https://platform.openai.com/docs/libraries

import { type Gateway, type Guide, nodeProgram, PROMPT, pythonKey, type Setup, scriptKey } from "./guide.ts";

const node = (gateway: Gateway, hello: readonly string[]): Setup =>
  nodeProgram(
    "hello.mjs",
    [
      'import OpenAI from "openai";',
      "",
      `const client = new OpenAI({ baseURL: "${gateway.url}/v1", apiKey: ${scriptKey(gateway)} });`,
    ],
    hello,
  );

export const openaiNode: Guide = {
  about: "OpenAI SDK for Node",
  packages: ["openai@7.57.0"],
  installer: "npm",
  apis: {
    chat: (gateway) =>
      node(gateway, [
        "const answer = await client.chat.completions.create({",
        `  model: ${JSON.stringify(gateway.model)},`,
        `  messages: [{ role: "user", content: ${JSON.stringify(PROMPT)} }],`,
        "});",
        "console.log(answer.choices[0].message.content);",
      ]),
    responses: (gateway) =>
      node(gateway, [
        "const answer = await client.responses.create({",
        `  model: ${JSON.stringify(gateway.model)},`,
        `  input: ${JSON.stringify(PROMPT)},`,
        "});",
        "console.log(answer.output_text);",
      ]),
  },
};

const python = (gateway: Gateway, hello: readonly string[]): Setup => ({
  program: {
    file: "hello.py",
    setup: [
      ...(gateway.key === null ? ["import os"] : []),
      "from openai import OpenAI",
      "",
      `client = OpenAI(base_url="${gateway.url}/v1", api_key=${pythonKey(gateway)})`,
    ].join("\n"),
    hello: hello.join("\n"),
  },
  command: ["python", "hello.py"],
});

export const openaiPython: Guide = {
  about: "OpenAI SDK for Python",
  packages: ["openai==3.57.0"],
  installer: "pip",
  apis: {
    chat: (gateway) =>
      python(gateway, [
        "answer = client.chat.completions.create(",
        `    model=${JSON.stringify(gateway.model)},`,
        `    messages=[{"role": "user", "content": ${JSON.stringify(PROMPT)}}],`,
        ")",
        "print(answer.choices[0].message.content)",
      ]),
    responses: (gateway) =>
      python(gateway, [
        `answer = client.responses.create(model=${JSON.stringify(gateway.model)}, input=${JSON.stringify(PROMPT)})`,
        "print(answer.output_text)",
      ]),
  },
};
