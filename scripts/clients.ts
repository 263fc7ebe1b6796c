// `bun run clients [names] [--api API] [--upstream NAME] [--json]`: runs the clients people use, from the very lines that `tokligence connect`
// prints, against the built executable: an echo and a real tool loop on the built-in model and on strict providers of every format.
// Takes its time and fetches packages, so it is no part of the tests.

import { join } from "node:path";
import type { Api, Guide } from "../src/cli/connect/guide.ts";
import { type ClientName, GUIDES } from "../src/cli/connect/index.ts";
import { attempt, type Conversation, listConversations } from "./client/attempt.ts";
import { install, installNode } from "./client/install.ts";
import { openPlace, type Place, UPSTREAMS } from "./client/place.ts";
import { ROOT } from "./compile.ts";
import { aSwitch, failUsage, readWords, someOf } from "./flag.ts";

/** Large, slow or without a tool loop: only by name. */
const ONLY_BY_NAME = new Set<string>(["promptfoo"]);
/** As many upstreams are tried at once; what one refuses is thus known to be one client's. */
const AT_ONCE = 2;

interface Result {
  client: string;
  api: string;
  upstream: string;
  conversation: Conversation;
  seconds: number;
  /** Null where it passed. */
  failure: string | null;
}

const CLIENTS = Object.keys(GUIDES) as ClientName[];
const APIS = [...new Set(CLIENTS.flatMap((name) => Object.keys(GUIDES[name].apis) as Api[]))].toSorted();
const { values, names: given } = readWords({
  api: someOf(APIS, []),
  json: aSwitch,
  upstream: someOf(UPSTREAMS, UPSTREAMS),
});
const { api: apis, json, upstream: upstreams } = values;
const names = chooseClients(given);
const build = Bun.spawnSync([process.execPath, join(ROOT, "scripts/build.ts")], {
  stdout: "ignore",
  stderr: "inherit",
});
if (!build.success) process.exit(1);
await installNode();
for (const name of names) {
  process.stderr.write(`installing ${name}\n`);
  await install(name, GUIDES[name]);
}
const place = await openPlace(upstreams);
const results: Result[] = [];
try {
  const queue = [...upstreams];
  const work = async (): Promise<void> => {
    for (let upstream = queue.shift(); upstream !== undefined; upstream = queue.shift())
      await tryUpstream(place, upstream);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, work));
} finally {
  await place.stop();
}
report();

async function tryUpstream({ url, key, nameModel, takeRefusals }: Place, upstream: string): Promise<void> {
  const sign = upstream === "loopback" ? "[loopback]" : "ünïcödé 🦜";
  for (const client of names) {
    const guide: Guide = GUIDES[client];
    for (const api of (Object.keys(guide.apis) as Api[]).filter((name) => apis.length === 0 || apis.includes(name))) {
      for (const conversation of listConversations(client)) {
        takeRefusals(upstream);
        const started = performance.now();
        const gateway = { url, key, model: nameModel(upstream) };
        const wrong = await attempt({ client, api, guide, gateway, sign }, conversation).catch(String);
        const refused = takeRefusals(upstream).map((sentence) => `refused: ${sentence}`);
        const failures = [...(wrong === null ? [] : [wrong]), ...refused];
        const failure = failures.length === 0 ? null : failures.join(" | ");
        const seconds = Math.round((performance.now() - started) / 100) / 10;
        results.push({ client, api, upstream, conversation, seconds, failure });
        process.stderr.write(
          `${failure === null ? "ok  " : "FAIL"} ${client} ${api} ${upstream} ${conversation} ${seconds} s ${failure ?? ""}\n`,
        );
      }
    }
  }
}

function report(): void {
  const failed = results.filter(({ failure }) => failure !== null);
  if (json) console.log(JSON.stringify({ results, passed: results.length - failed.length, failed: failed.length }));
  else {
    const rows = new Map<string, Record<string, string>>();
    for (const { client, api, upstream, conversation, failure } of results) {
      const row = rows.get(`${client} ${api}`) ?? {};
      rows.set(`${client} ${api}`, row);
      const mark = failure === null ? "" : conversation;
      row[upstream] = [row[upstream] ?? "", mark].filter((word) => word !== "" && word !== "ok").join("+") || "ok";
    }
    console.log(Bun.inspect.table([...rows].map(([client, row]) => ({ client, ...row }))));
    for (const { client, api, upstream, conversation, failure } of failed) {
      console.log(`${client} ${api} on ${upstream}, ${conversation}: ${failure}`);
    }
    console.log(`${results.length - failed.length} passed, ${failed.length} failed`);
  }
  process.exitCode = failed.length === 0 ? 0 : 1;
}

function chooseClients(given: readonly string[]): ClientName[] {
  const unknown = given.filter((name) => !CLIENTS.some((known) => known === name));
  if (unknown.length > 0) failUsage(`There is no client ${unknown.join(", ")}. There are: ${CLIENTS.join(", ")}.`);
  if (given.length === 0) return CLIENTS.filter((name) => !ONLY_BY_NAME.has(name));
  return CLIENTS.filter((name) => given.includes(name));
}
