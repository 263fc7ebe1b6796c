// `tokligence connect [CLIENT]`: the lines that make a client talk to this gateway, as they were tried. Runs no client, reads no key.

import { defineCommand } from "citty";
import { loadConfig } from "../config/index.ts";
import { findNearest } from "../lib/nearest.ts";
import type { Api, Gateway, Guide, Setup } from "./connect/guide.ts";
import { GUIDES } from "./connect/index.ts";
import { type Shell, findShell } from "./connect/shell.ts";
import { CliError, EXIT } from "./error.ts";
import { type ConfigFlags, SHARED_ARGS, toLoadOptions } from "./flags.ts";
import { findUrl } from "./remote/target.ts";
import { print, printJson, printTable, say } from "./output.ts";

export default defineCommand({
  meta: {
    name: "connect",
    description: "Print how a client is told to use this gateway; without a name, list the clients",
  },
  args: {
    client: { type: "positional", description: "The client's name", required: false },
    api: {
      type: "string",
      description: "Format to use, where the client has several: chat, responses, messages, gemini",
      valueHint: "API",
    },
    key: { type: "string", description: "Key to put into the lines", valueHint: "KEY" },
    model: { type: "string", description: "Model to ask for", default: "loopback", valueHint: "MODEL" },
    url: {
      type: "string",
      description: "The gateway's address; unless given, that of TOKLIGENCE_URL, public_url, or this machine's own",
      valueHint: "URL",
    },
    ...SHARED_ARGS,
  },
  async run({ args }) {
    if (args.client === undefined) return listClients(args.json === true);
    const guide = findGuide(args.client);
    const url = findUrl(args) ?? (await readAddress(args));
    const gateway: Gateway = { url, key: args.key ?? null, model: args.model };
    const api = chooseApi(args.client, guide, args.api);
    const setup = guide.apis[api]?.(gateway);
    if (setup === undefined) return;
    if (args.json === true)
      return printJson({ client: args.client, api, ...gateway, install: printInstall(guide), ...setup });
    const shell = findShell(process.platform);
    for (const line of printSetup(guide, setup, shell)) print(line);
    if (gateway.key === null) {
      say(
        `The lines want a key of yours. Make one: tokligence admin api-keys create --user EMAIL; then ${shell.set("KEY", "tok_…")}, or say --key tok_…`,
      );
    }
  },
});

function listClients(json: boolean): void {
  const rows = Object.entries<Guide>(GUIDES).map(([client, { about, apis, packages }]) => ({
    client,
    about,
    tried: packages[0] ?? "any",
    apis: Object.keys(apis),
  }));
  if (json) printJson(rows);
  else printTable(rows, ["client", "about", "tried", "apis"]);
}

function findGuide(name: string): Guide {
  const guides = new Map<string, Guide>(Object.entries(GUIDES));
  const guide = guides.get(name);
  if (guide !== undefined) return guide;
  const near = findNearest(name, [...guides.keys()]);
  const hint = near.length > 0 ? `Did you mean ${near.join(", ")}?` : "tokligence connect lists the clients.";
  throw new CliError(`There are no lines for ${JSON.stringify(name)}.`, { exitCode: EXIT.notFound, hint });
}

function chooseApi(client: string, { apis }: Guide, wanted: string | undefined): Api {
  const known = Object.keys(apis) as Api[];
  const api = wanted === undefined ? known[0] : known.find((name) => name === wanted);
  if (api !== undefined) return api;
  throw new CliError(`${client} does not speak ${JSON.stringify(wanted)}.`, {
    exitCode: EXIT.usage,
    hint: `It speaks: ${known.join(", ")}.`,
  });
}

/** Where clients reach the gateway: as the operator says, else on this machine. */
async function readAddress(flags: ConfigFlags): Promise<string> {
  const { config } = await loadConfig(toLoadOptions(flags));
  if (config.signIn.publicUrl !== null) return config.signIn.publicUrl;
  const { hostname, port, tlsCert } = config.http;
  const scheme = tlsCert === null ? "http" : "https";
  const isAny = hostname === null || ["", "0.0.0.0", "::", "[::]"].includes(hostname);
  if (isAny) return `${scheme}://localhost:${port}`;
  const host = hostname.includes(":") && !hostname.startsWith("[") ? `[${hostname}]` : hostname;
  return `${scheme}://${host}:${port}`;
}

function printInstall({ packages, installer }: Guide): string | null {
  if (installer === "none") return null;
  const command = installer === "npm --global" ? "npm install --global" : `${installer} install`;
  return `${command} ${packages.join(" ")}`;
}

function printSetup(
  guide: Guide,
  { files = {}, env = {}, before = [], program, command }: Setup,
  shell: Shell,
): string[] {
  const install = printInstall(guide);
  const sections = Object.entries(files).map(([path, text]) => [`# ${path}`, text.trimEnd()]);
  if (program !== undefined) sections.push([`# ${program.file}`, `${program.setup}\n\n${program.hello}`]);
  const lines = [
    ...(install === null ? [] : [install]),
    ...Object.entries(env).map(([name, value]) => shell.set(name, value)),
    ...[...before, command].map((words) => shell.run(words)),
  ];
  sections.push([`# ${shell.name}`, ...lines]);
  return sections
    .map((section) => section.join("\n"))
    .join("\n\n")
    .split("\n");
}
