// Names of what there is on this machine: from its configuration, and from its database as it lies there. Nothing is made or changed, and nobody is told
// what went wrong.

import { readdirSync } from "node:fs";
import { dirname, join } from "node:path";
import { type Glance, glance } from "../../store/glance.ts";
import {
  type Named,
  findEmails,
  findKeyIds,
  findKeyPrefixes,
  listBudgetIds,
  listLimitNames,
  listModelsOfLate,
} from "../../store/glance-name.ts";
import { locateLedger } from "../../store/location.ts";
import { createProviderStore } from "../../store/provider.ts";
import { createRouteStore } from "../../store/route.ts";
import { loadLeniently } from "../doctor/configuration.ts";
import { type ConfigFlags, toLoadOptions } from "../flags.ts";
import type { Names } from "./model.ts";

/** As many as anybody reads. */
const MOST = 100;
/** Calls whose models are told. */
const CALLS_OF_LATE = 500;

export function openLocalNames(flags: ConfigFlags): Names {
  const loading = once(() => loadLeniently(toLoadOptions(flags)));
  const opened: Promise<Glance | null>[] = [];
  const open = (choose: (config: Loaded["config"]) => string) =>
    once(async () => {
      const { config } = (await loading()).loaded;
      const opening = glance({ location: choose(config), database: config.database });
      opened.push(opening);
      const found = await opening;
      // Of another version, its tables may not be what they are here.
      return found === null || found.schema.pending > 0 ? null : found.engine;
    });
  const identity = open(({ identityPath }) => identityPath);
  const ledger = open((config) => locateLedger(config));
  return {
    users: async (prefix) => withEngine(identity, (engine) => findEmails(engine, prefix.toLowerCase(), MOST)),
    keyIds: async (prefix) => withEngine(identity, (engine) => findKeyIds(engine, prefix, MOST)),
    keyPrefixes: async (prefix) => withEngine(identity, (engine) => findKeyPrefixes(engine, prefix, MOST)),
    async providers() {
      const { config } = (await loading()).loaded;
      const remote = await withEngine(identity, async (engine) =>
        (await createProviderStore(engine).list()).flatMap(({ name, fields }) =>
          fields === null ? [] : [{ name, about: "of run time" }],
        ),
      ).catch(() => []);
      return [...config.providers.map(({ name, kind }) => ({ name, about: kind })), ...remote];
    },
    async routes() {
      const { config } = (await loading()).loaded;
      const declared = config.routes.flatMap(({ name }) => (name === undefined ? [] : [{ name, about: "" }]));
      const remote = await withEngine(identity, async (engine) =>
        (await createRouteStore(engine).list()).flatMap(({ name, fields }) =>
          fields === null ? [] : [{ name, about: "of run time" }],
        ),
      ).catch(() => []);
      return [...declared, ...remote];
    },
    budgets: () => withEngine(ledger, (engine) => listBudgetIds(engine, MOST)),
    async limits() {
      const { config } = (await loading()).loaded;
      const stored = await withEngine(identity, (engine) => listLimitNames(engine, MOST)).catch(() => []);
      return [...config.limits.map(({ limit }) => ({ name: limit.name, about: "" })), ...stored];
    },
    async models() {
      const { config } = (await loading()).loaded;
      const said = [...config.aliases, ...config.routes].map(({ pattern }) => ({ name: pattern, about: "" }));
      const late = await withEngine(ledger, (engine) => listModelsOfLate(engine, CALLS_OF_LATE)).catch(() => []);
      return [...late, ...said.filter(({ name }) => !name.includes("*"))];
    },
    async overlays() {
      const { files } = (await loading()).loaded;
      const [first] = files;
      const folder = first === undefined ? "config" : dirname(first);
      return readdirSync(folder, { withFileTypes: true }).flatMap((entry) =>
        entry.isDirectory() ? [{ name: entry.name, about: join(folder, entry.name) }] : [],
      );
    },
    async close() {
      for (const opening of opened) await opening.then((found) => found?.close()).catch(() => undefined);
    },
  };
}

type Loaded = Awaited<ReturnType<typeof loadLeniently>>["loaded"];

async function withEngine(
  open: () => Promise<Glance["engine"] | null>,
  find: (engine: Glance["engine"]) => Promise<Named[]>,
): Promise<Named[]> {
  const engine = await open();
  return engine === null ? [] : find(engine);
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  return () => (running ??= work());
}
