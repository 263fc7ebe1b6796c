// Which room may look into which: the house's own table, and the imports of a file. Reads no files.

import { dirname, join } from "node:path";
import type { Source } from "./source.ts";

interface Reach {
  /** Rooms whose values may be used. */
  values: readonly string[];
  /** Rooms of which only types may be used. */
  types: readonly string[];
}

/** Everything below the server. */
const BELOW = [
  "firewall",
  "gateway",
  "identity",
  "ir",
  "ledger",
  "lib",
  "notice",
  "provider",
  "store",
  "telemetry",
  "wire",
];

/** Imports point down. A room that is not here may not exist. */
export const ROOMS: Readonly<Record<string, Reach>> = {
  audit: { values: ["ir", "ledger", "lib"], types: ["identity"] },
  cli: { values: [...BELOW, "audit", "config", "marketplace", "server"], types: [] },
  config: { values: ["ledger", "lib", "notice", "provider"], types: ["gateway"] },
  console: { values: [], types: ["server"] },
  firewall: { values: ["ir", "lib"], types: ["store"] },
  gateway: { values: ["firewall", "ir", "ledger", "lib", "provider", "wire"], types: ["identity"] },
  identity: { values: ["ir", "lib"], types: ["store"] },
  ir: { values: [], types: [] },
  ledger: { values: ["ir", "lib"], types: ["store"] },
  lib: { values: [], types: [] },
  main: { values: ["cli"], types: [] },
  marketplace: { values: ["ir", "ledger", "lib"], types: ["identity"] },
  notice: { values: ["lib"], types: ["telemetry"] },
  provider: { values: ["ir", "lib"], types: ["wire"] },
  server: { values: [...BELOW, "audit", "config", "console", "marketplace"], types: [] },
  store: { values: ["ir", "lib"], types: ["audit", "firewall", "gateway", "identity", "ledger", "marketplace"] },
  telemetry: { values: ["ir", "lib"], types: [] },
  wire: { values: ["ir", "lib"], types: [] },
};

export interface Import {
  /** From the repository's root. */
  target: string;
  isType: boolean;
}

const IMPORT =
  /(?:\b(?:import|export)\s+(?<type>type\s)?(?:[\w*{][^;"']*?\sfrom\s+)?|\bimport\(\s*)"(?<target>\.[^"]+)"/gu;

/** What a file imports of ours, lazily too. */
export function readImports({ path, text }: Source): Import[] {
  return [...text.matchAll(IMPORT)].map(({ groups }) => ({
    target: join(dirname(path), groups?.["target"] ?? "").replaceAll("\\", "/"),
    isType: groups?.["type"] !== undefined,
  }));
}

/** What is wrong with a file's imports, in sentences. */
export function judgeImports(source: Source): string[] {
  const room = nameRoom(source.path);
  const reach = ROOMS[room];
  if (reach === undefined) return [`${source.path}: there is no room "${room}"; HOUSE lists the rooms.`];
  return readImports(source).flatMap(({ target, isType }) => {
    // The version is the package's, and the only thing that code reads of it.
    if (target === "package.json") return [];
    const other = nameRoom(target);
    if (other === room) return judgeWires(source.path, target);
    if (reach.values.includes(other) || (isType && reach.types.includes(other))) return [];
    const remedy = reach.types.includes(other)
      ? `${room} may use only its types: import type`
      : `${room} may import ${listRooms(reach)}`;
    return [`${source.path} imports ${target}: ${remedy}.`];
  });
}

function listRooms({ values, types }: Reach): string {
  const names = [...values, ...types.map((name) => `${name} (types)`)];
  return names.length === 0 ? "nothing of ours" : names.join(", ");
}

/** Formats do not know each other; what two share lies beside their folders. */
function judgeWires(path: string, target: string): string[] {
  const [from, to] = [nameWire(path), nameWire(target)];
  if (from === null || to === null || from === to) return [];
  return [`${path} imports ${target}: wires do not know each other; put what they share into src/wire/.`];
}

function nameWire(path: string): string | null {
  return /^src\/wire\/([^/]+)\//u.exec(path)?.[1] ?? null;
}

/** `src/wire/type.ts` → `wire`; `src/main.ts` → `main`; what lies outside of src → its path. */
export function nameRoom(path: string): string {
  return /^src\/([^/.]+)/u.exec(path)?.[1] ?? path;
}
