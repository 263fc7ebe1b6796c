// Changes of settings while the gateway runs: what is said is judged as a file's words are before it is kept. Knows no HTTP and no SQL.

import { isDeepStrictEqual } from "node:util";
import { ConfigError, type Loaded, findSettingObstacle } from "../config/index.ts";
import { type FieldProblem, GatewayError } from "../ir/index.ts";
import type { Origin } from "../lib/change.ts";
import { findUnseen } from "../lib/unseen.ts";
import type { SettingRow, SettingStore } from "../store/index.ts";

export type LoadSettings = (runtime: SettingRow["fields"]) => Promise<Loaded>;

export interface SettingBook {
  /** The row and what is in effect with it, read anew. */
  read(): Promise<{ row: SettingRow | null; loaded: Loaded }>;
  /** Null takes back what was set. What stays as it is makes no version. Rejects with invalid_request, naming each that does not hold, or conflict. */
  change(said: Readonly<Record<string, string | null>>, change: SettingChange): Promise<void>;
}

export interface SettingChange {
  /** The version that is to be changed, 0 for none; undefined: whichever there is. */
  expected: number | undefined;
  by: Origin | undefined;
}

/** Others may change it at the same moment, each other keys. */
const TRIES = 20;

export function createSettingBook({
  store,
  load,
  now,
}: {
  store: SettingStore;
  load: LoadSettings;
  now: () => number;
}): SettingBook {
  return {
    async read() {
      const [row = null] = await store.list();
      return { row, ...(await loadUsable(load, row?.fields ?? {})) };
    },
    async change(said, { expected, by }) {
      const refused = listUnchangeable(said);
      const rest = Object.fromEntries(
        Object.entries(said).filter(([name]) => refused.every(({ path }) => path !== name)),
      );
      for (let tries = 0; tries < TRIES; tries++) {
        const [row = null] = await store.list();
        const version = row?.version ?? 0;
        if (expected !== undefined && expected !== version) throw changedMeanwhile(version);
        const fields = merge(row?.fields ?? {}, rest);
        const problems = [...refused, ...(await listFaults(load, fields))];
        if (problems.length > 0) throw refuse(problems);
        // Nobody who saw the version has to look again, and no record tells of nothing.
        if (isDeepStrictEqual(fields, row?.fields ?? {})) return;
        const put = await store.put(fields, { expected: version, at: new Date(now()), by });
        if (put !== null) return;
      }
      throw changedMeanwhile(null);
    },
  };
}

/** What was set once and does not hold any more, as the program or a file is another, is left out and named. */
export async function loadUsable(
  load: LoadSettings,
  fields: SettingRow["fields"],
): Promise<{ loaded: Loaded; leftOut: string[] }> {
  try {
    return { loaded: await load(fields), leftOut: [] };
  } catch (error) {
    const leftOut = error instanceof ConfigError ? listOwn(error).map(({ path }) => path) : [];
    if (leftOut.length === 0) throw error;
    const kept = Object.fromEntries(Object.entries(fields).filter(([name]) => !leftOut.includes(name)));
    return { loaded: await load(kept), leftOut };
  }
}

function merge(known: SettingRow["fields"], said: Readonly<Record<string, string | null>>): Record<string, string> {
  const fields: Record<string, string> = { ...known };
  for (const [name, text] of Object.entries(said)) {
    if (text === null || text.trim() === "") delete fields[name];
    else fields[name] = text.trim();
  }
  return fields;
}

function listUnchangeable(said: Readonly<Record<string, string | null>>): FieldProblem[] {
  return Object.entries(said).flatMap(([name, text]): FieldProblem[] => {
    const isLine = findUnseen(text ?? "") === null;
    const message = findSettingObstacle(name) ?? (isLine ? null : "it must be one line of text");
    return message === null ? [] : [{ path: name, message }];
  });
}

async function listFaults(load: LoadSettings, fields: SettingRow["fields"]): Promise<FieldProblem[]> {
  try {
    await load(fields);
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    const own = listOwn(error);
    if (own.length > 0) return own;
    const cause = error;
    throw new GatewayError({
      kind: "conflict",
      code: "settings_unusable",
      message:
        "The configuration does not hold together with this; `tokligence config validate` says what is in the way.",
      cause,
    });
  }
}

function listOwn({ problems }: ConfigError): FieldProblem[] {
  return problems.flatMap(({ file, key, message }) =>
    file === "runtime" && key !== null ? [{ path: key, message }] : [],
  );
}

function refuse(problems: readonly FieldProblem[]): GatewayError {
  const [first] = problems;
  const message = `${first?.path ?? "settings"}: ${first?.message ?? "invalid"}`;
  return new GatewayError({ kind: "invalid_request", code: "invalid_setting", message, param: first?.path, problems });
}

function changedMeanwhile(version: number | null): GatewayError {
  const state = version === null ? "" : version === 0 ? " None are set now." : ` They are in version ${version} now.`;
  return new GatewayError({
    kind: "conflict",
    code: "settings_changed",
    message: `The settings were changed meanwhile.${state} Look at them again.`,
  });
}
