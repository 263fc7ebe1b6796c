// `tokligence init`: writes config/setting.ini and config/<env>/gateway.ini. Asks nothing, and overwrites only when told to.

import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join, resolve } from "node:path";
import { defineCommand } from "citty";
import type { Given } from "../config/index.ts";
import { checkSetting, printOverlayTemplate, printSettingTemplate } from "../config/index.ts";
import { CliError, EXIT } from "./error.ts";
import { findFolder } from "./flags.ts";
import { print, printJson, say } from "./output.ts";

/** Flags by the key that they write. The marketplace's have no effect yet; they are written down for the version that has it. */
const FLAGS = {
  email: "email",
  display_name: "display-name",
  base_url: "base-url",
  ledger_path: "ledger-path",
  publish_name: "publish-name",
  model_family: "model-family",
  price_per_1k: "price",
  http_address: "http-address",
} as const;

export default defineCommand({
  meta: { name: "init", description: "Write commented configuration files" },
  args: {
    root: { type: "string", default: ".", description: "Folder in which config/ is made", valueHint: "FOLDER" },
    env: { type: "string", default: "dev", description: "Environment: dev, test, live", valueHint: "ENV" },
    "http-address": { type: "string", description: "Address to listen on, such as :8081", valueHint: "ADDRESS" },
    "ledger-path": { type: "string", description: "SQLite file or postgres:// URL of the ledger", valueHint: "PATH" },
    email: { type: "string", description: "Marketplace account, for later", valueHint: "EMAIL" },
    "display-name": { type: "string", description: "Marketplace name, for later", valueHint: "NAME" },
    "base-url": { type: "string", description: "Marketplace address, for later", valueHint: "URL" },
    provider: { type: "boolean", description: "Offer services on the marketplace, later" },
    "publish-name": { type: "string", description: "Service to publish, later", valueHint: "NAME" },
    "model-family": { type: "string", description: "Its model family", valueHint: "NAME" },
    price: { type: "string", description: "Its price per 1,000 tokens, in USD", valueHint: "USD" },
    force: { type: "boolean", description: "Overwrite files that exist" },
    json: { type: "boolean", description: "Print JSON" },
  },
  run({ args }) {
    const given = readGiven(args);
    refuse("environment", "--env", args.env);
    const folder = resolve(findFolder(), args.root, "config");
    const files = [
      // Neither is for others: a ledger's URL may hold a password as well.
      {
        path: join(folder, "setting.ini"),
        text: write(() => printSettingTemplate({ environment: args.env, ...given })),
      },
      { path: join(folder, args.env, "gateway.ini"), text: write(() => printOverlayTemplate(args.env, {})) },
    ];
    const taken = files.filter(({ path }) => existsSync(path));
    if (taken.length > 0 && args.force !== true) {
      throw new CliError(`${taken.map(({ path }) => path).join(" and ")} would be overwritten`, {
        exitCode: EXIT.conflict,
        hint: "Say --force to overwrite.",
      });
    }
    for (const { path, text } of files) writePrivately(path, text);
    if (args.json === true) return printJson({ files: files.map(({ path }) => path) });
    for (const { path } of files) say(`wrote ${path}`);
    print("gateway config initialised");
  },
});

function readGiven(args: Readonly<Record<string, unknown>>): Given {
  const given: Record<string, string> = {};
  for (const [key, flag] of Object.entries(FLAGS)) {
    const value = args[flag];
    if (typeof value !== "string" || value.trim() === "") continue;
    given[key] = value.trim();
    refuse(key, `--${flag}`, value.trim());
  }
  if (args["provider"] === true) given["enable_provider"] = "true";
  return given;
}

/** Throws where the value is not one that the key can have. */
function refuse(key: string, flag: string, value: string): void {
  const wrong = checkSetting(key, value) ?? checkMarketplace(key, value);
  if (wrong !== null) throw new CliError(`${flag}: ${wrong}`, { exitCode: EXIT.usage });
}

function checkMarketplace(key: string, value: string): string | null {
  if (key === "email" && !value.includes("@")) return "an e-mail address has an @";
  if (key === "price_per_1k" && !/^\d+(\.\d+)?$/.test(value)) return "a price is a number such as 0.5";
  return null;
}

function write(printTemplate: () => string): string {
  try {
    return printTemplate();
  } catch (error) {
    if (!(error instanceof RangeError)) throw error;
    throw new CliError(error.message, { exitCode: EXIT.usage });
  }
}

/** For its owner alone, also where a file with other rights, or a link, was there before. */
function writePrivately(path: string, text: string): void {
  try {
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
    writeFileSync(path, text, { flag: "wx", mode: 0o600 });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new CliError(`${path} cannot be written: ${reason}`, { exitCode: EXIT.failed });
  }
}
