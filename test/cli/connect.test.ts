// `tokligence connect`: every client's lines hold the address, the key and the model; and a shell takes them as they stand.

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { EXIT } from "../../src/cli/error.ts";
import { findShell } from "../../src/cli/connect/shell.ts";
import { runCli } from "../../src/cli/index.ts";
import { type Desk, capture, makeDesk, runLine } from "./desk.ts";

let desk: Desk;
beforeAll(() => {
  desk = makeDesk();
});
afterAll(() => desk.close());

const LISTED = [
  "agents",
  "ai-sdk",
  "anthropic-node",
  "anthropic-python",
  "claude-code",
  "cline",
  "codex",
  "continue",
  "copilot",
  "curl",
  "gemini-cli",
  "genai",
  "grok",
  "kilo",
  "langchain",
  "llamaindex",
  "openai-node",
  "openai-python",
  "opencode",
  "pi",
  "promptfoo",
  "qwen",
];

test("without a name it lists the clients", async () => {
  const rows = await desk.read<{ client: string; apis: string[] }[]>("connect");
  expect(rows.map(({ client }) => client)).toEqual(LISTED);
  const { out } = await desk.run("connect");
  expect(out).toMatch(/^codex +Codex CLI +@openai\/codex@\S+ +responses$/m);
});

describe.each(LISTED)("%s", (client) => {
  test("is told the address, the key and the model, in each of its formats", async () => {
    const rows = await desk.read<{ client: string; apis: string[] }[]>("connect");
    for (const api of rows.find((row) => row.client === client)?.apis ?? []) {
      const { code, out, err } = await desk.run(
        `connect ${client} --api ${api} --url https://gw.test:9/ --key tok_K --model m/x`,
      );
      expect({ code, err }).toEqual({ code: EXIT.ok, err: "" });
      for (const word of ["https://gw.test:9", "tok_K", "m/x"]) expect(out).toContain(word);
      expect(out).not.toContain("https://gw.test:9//");
      expect(out).not.toContain("undefined");
    }
  });

  test("where no key is given, it is told where one belongs, and how to make one", async () => {
    const { out, err } = await desk.run(`connect ${client}`);
    expect(out).toMatch(/\$KEY|YOUR_KEY|process\.env\.KEY|os\.environ\["KEY"\]/);
    expect(err).toContain("tokligence admin api-keys create");
  });

  test("a shell takes its lines", async () => {
    const { out } = await desk.run(["connect", client, "--key", "tok_'K \"", "--url", "http://gw.test"]);
    const [, lines = ""] = out.split("# shell\n");
    const parsed = Bun.spawnSync(["bash", "-n", "-c", lines]);
    expect({ code: parsed.exitCode, err: parsed.stderr.toString() }).toEqual({ code: 0, err: "" });
  });
});

test("what a shell makes of quoted words is what was meant", async () => {
  const { out } = await desk.run(["connect", "curl", "--key", "tok_'K \"$x", "--url", "http://gw.test"]);
  const line = out.split("# shell\n")[1]?.replace("curl", "printf '%s\\n'") ?? "";
  const printed = Bun.spawnSync(["bash", "-c", line]).stdout.toString().split("\n");
  expect(printed).toContain("authorization: Bearer tok_'K \"$x");
  expect(printed).toContain('{"model":"loopback","messages":[{"role":"user","content":"Say hello."}]}');
});

test("on Windows the lines are PowerShell's", () => {
  const { name, set, run } = findShell("win32");
  expect([name, set("A", "it's $5"), set("KEY", "$KEY")]).toEqual([
    "PowerShell 7",
    "$env:A = 'it''s $5'",
    '$env:KEY = "${env:KEY}"',
  ]);
  expect(run(["curl", "-H", 'x: "`$KEY', "-d", '{"a":1}', "http://a.test/v1", ""])).toBe(
    `curl.exe -H "x: \`"\`\`\${env:KEY}" -d '{"a":1}' http://a.test/v1 ''`,
  );
});

test("the address is the configured one, as clients on this machine reach it", async () => {
  expect((await desk.run("connect curl")).out).toContain("http://localhost:8081/v1/chat/completions");
  for (const [address, url] of [
    ["127.0.0.1:9", "http://127.0.0.1:9/v1"],
    ["0.0.0.0:9", "http://localhost:9/v1"],
    ["[::1]:9", "http://[::1]:9/v1"],
  ] as const) {
    const path = desk.write(`${Bun.hash(address)}.ini`, `http_address = ${address}\n`);
    const { out } = await runLine(["connect", "curl", "--config", path]);
    expect(out).toContain(url);
  }
});

test("else it is the one that people are given, or the gateway that is named", async () => {
  const path = desk.write("public.ini", "http_address = 127.0.0.1:9\npublic_url = https://gw.test/llm\n");
  const words = ["connect", "curl", "--config", path];
  const address = ({ out }: { out: string }): string | undefined => /https?:\/\/\S+(?=\/v1)/u.exec(out)?.[0];
  expect(address(await runLine(words))).toBe("https://gw.test/llm");
  const outer = process.env["TOKLIGENCE_URL"];
  process.env["TOKLIGENCE_URL"] = "https://there.test/";
  try {
    expect(address(await capture(() => runCli(words)))).toBe("https://there.test");
    const said = [...words, "--url", "http://said.test:9"];
    expect(address(await capture(() => runCli(said)))).toBe("http://said.test:9");
    for (const url of ["http://said.test:9/llm/v1", "http://said.test:9/llm/v1/"]) {
      const { out } = await capture(() => runCli([...words, "--url", url]));
      expect(out).toContain("http://said.test:9/llm/v1/chat/completions");
    }
  } finally {
    if (outer === undefined) delete process.env["TOKLIGENCE_URL"];
    else process.env["TOKLIGENCE_URL"] = outer;
  }
});

test.each([
  ["connect codx", EXIT.notFound, "Did you mean codex"],
  ["connect codex --api chat", EXIT.usage, "It speaks: responses."],
  ["connect codex --url localhost", EXIT.usage, "it is no http or https address"],
])("%s ends with %d", async (line, code, words) => {
  const ended = await desk.run(line);
  expect(ended.code).toBe(code);
  expect(ended.err).toContain(words);
});
