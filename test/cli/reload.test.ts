// A daemon's configuration is put in force anew by its files: on a real disk, by the real loader.

import { afterEach, beforeEach, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reloadOnChange } from "../../src/cli/reload.ts";
import { type Config, loadConfig } from "../../src/config/index.ts";
import { createLog } from "../../src/telemetry/log.ts";

let root = "";
const closing: (() => Promise<void>)[] = [];
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "tokligence-reload-"));
  mkdirSync(join(root, "config"));
});
afterEach(async () => {
  for (const close of closing.splice(0)) await close();
  rmSync(root, { recursive: true, force: true });
});

const write = (name: string, text: string): void => writeFileSync(join(root, name), text);

/** What is in force, and the log. */
async function start(): Promise<{ config: () => Config; lines: string[] }> {
  const load = () => loadConfig({ cwd: root, env: {}, homedir: root });
  const loaded = await load();
  const lines: string[] = [];
  const log = createLog({
    level: "info",
    pretty: false,
    write: (line) => void lines.push(line),
    keep: null,
    redact: (text) => text,
    now: () => new Date(),
  });
  let current = loaded.config;
  const { stop } = await reloadOnChange(
    { loaded, log },
    {
      settings: { load, stop: () => undefined },
      current: () => current,
      apply: (next) => void (current = next),
      settled: () => Promise.resolve(),
      changes: { tell: () => Promise.resolve(), hide: () => undefined },
      effective: () => current,
    },
  );
  closing.push(stop);
  return { config: () => current, lines };
}

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise(setImmediate);
}

test("one that names a file which is not there yet is put in force once that is there", async () => {
  write("config/setting.ini", "log_level = info\n");
  const { config, lines } = await start();
  write("config/setting.ini", "log_level = warn\nopenai_api_key_file = run/openai\n");
  await until(() => lines.some((line) => line.includes("The configuration is not usable")));
  expect(config().log.level).toBe("info");
  mkdirSync(join(root, "run"));
  // Nobody says when an added path is watched, so it is written until it is noticed, and left alone in between.
  const timer = setInterval(() => write("run/openai", `sk-canary-late${"\n".repeat(lines.length)}`), 300);
  await until(() => config().log.level === "warn");
  clearInterval(timer);
  expect(config().providers.find(({ name }) => name === "openai")?.apiKey).toBe("sk-canary-late");
});
