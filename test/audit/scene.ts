// A whole gateway with a scripted provider, and the command line on the same books: what was asked is known, so that bills can be written by hand.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { runLine, type Printed } from "../cli/desk.ts";
import { OPENAI_KEY, makeProviderSettings, makeRig, type Rig } from "../rig.ts";

export interface Usage {
  prompt: number;
  cached?: number;
  completion: number;
}

export interface AuditScene {
  rig: Rig;
  folder: string;
  /** Calls a model; the provider reports that usage. */
  call(model: string, usage: Usage, served?: string): Promise<void>;
  /** Runs a line on the same books. */
  run(words: readonly string[]): Promise<Printed>;
  write(name: string, text: string): string;
  close(): Promise<void>;
}

export const DAY_MS = 86_400_000;
/** The test clock's first day. */
export const FIRST_DAY = "2023-11-14";
export const SECOND_DAY = "2023-11-15";

/** On SQLite, or on the PostgreSQL database of the DSN. */
export async function makeAuditScene(dsn?: string): Promise<AuditScene> {
  let next: { usage: Usage; model: string } = { usage: { prompt: 1, completion: 1 }, model: "" };
  let number = 0;
  const rig = await makeRig({
    upstream: () => {
      const { prompt, cached = 0, completion } = next.usage;
      number++;
      return Response.json(
        {
          id: `chatcmpl-${number}`,
          object: "chat.completion",
          created: 1,
          model: next.model,
          choices: [{ index: 0, message: { role: "assistant", content: "Hello." }, finish_reason: "stop" }],
          usage: {
            prompt_tokens: prompt,
            completion_tokens: completion,
            total_tokens: prompt + completion,
            prompt_tokens_details: { cached_tokens: cached },
          },
        },
        { headers: { "x-request-id": `req_upstream_${number}` } },
      );
    },
    config: (config) => ({
      ...config,
      ...(dsn === undefined ? {} : { identityPath: dsn, ledgerPath: dsn }),
      providers: [
        ...config.providers,
        makeProviderSettings({
          name: "openai-eu",
          kind: "openai",
          baseUrl: "http://openai-eu.test/v1",
          apiKey: "sk-canary-openai-eu-wxyz",
          needsApiKey: true,
        }),
      ],
      routes: [{ pattern: "eu/*", provider: "openai-eu", origin: "test" }],
    }),
  });
  const folder = rig.config.home;
  const config = join(folder, "config");
  mkdirSync(config);
  writeFileSync(
    join(config, "setting.ini"),
    [
      `identity_path = ${rig.config.identityPath}`,
      `ledger_path = ${rig.config.ledgerPath}`,
      `openai_api_key = ${OPENAI_KEY}`,
      `home = ${folder}`,
    ]
      .filter((line) => !line.startsWith("home"))
      .join("\n"),
  );
  return {
    rig,
    folder,
    async call(model, usage, served = model) {
      next = { usage, model: served };
      const response = await rig.chat({ model, messages: [{ role: "user", content: "Hi" }] });
      if (response.status !== 200) throw new Error(`${model} ended with ${response.status}: ${await response.text()}`);
      await response.text();
    },
    run: (words) => runLine([...words, "--config", config]),
    write(name, text) {
      const path = join(folder, name);
      writeFileSync(path, text);
      return path;
    },
    close: rig.close,
  };
}
