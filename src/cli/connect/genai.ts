// Google's SDK for Node. https://googleapis.github.io/js-genai

import { type Guide, nodeProgram, PROMPT, scriptKey } from "./guide.ts";

export const genai: Guide = {
  about: "Google Gen AI SDK",
  packages: ["@google/genai@3.3.0"],
  installer: "npm",
  apis: {
    gemini: (gateway) =>
      nodeProgram(
        "hello.mjs",
        [
          'import { GoogleGenAI } from "@google/genai";',
          "",
          `const client = new GoogleGenAI({ apiKey: ${scriptKey(gateway)}, httpOptions: { baseUrl: "${gateway.url}" } });`,
        ],
        [
          "const answer = await client.models.generateContent({",
          `  model: ${JSON.stringify(gateway.model)},`,
          `  contents: ${JSON.stringify(PROMPT)},`,
          "});",
          "console.log(answer.text);",
        ],
      ),
  },
};
