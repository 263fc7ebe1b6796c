// Names of what there is at a gateway elsewhere, asked of its API with a short patience. A key goes over https, or stays on this machine.

import type { Named } from "../../store/glance-name.ts";
import type { Names } from "./model.ts";

const PATIENCE_MS = 1_500;
const MOST = 100;

/** Null where none is said, or where it must not be asked. */
export function openRemoteNames(environment: Readonly<Record<string, string | undefined>>, own: Names): Names | null {
  const { TOKLIGENCE_URL: address = "", TOKLIGENCE_KEY: key = "" } = environment;
  const url = URL.parse(address);
  if (url === null) return null;
  const isHere = ["127.0.0.1", "[::1]", "localhost"].includes(url.hostname);
  const mayAsk = key !== "" && (url.protocol === "https:" || (url.protocol === "http:" && isHere));
  const ask = async (path: string): Promise<Row> => {
    if (!mayAsk) return {};
    const response = await fetch(`${address.replace(/\/+$/u, "")}${path}`, {
      headers: { authorization: `Bearer ${key}` },
      redirect: "error",
      signal: AbortSignal.timeout(PATIENCE_MS),
      // A proxy of the environment is for others.
      ...(isHere ? { proxy: false } : {}),
    });
    return response.ok ? ((await response.json()) as Row) : {};
  };
  const admin = (path: string): Promise<Row> => ask(`/api/v1/admin/${path}`);
  const encode = encodeURIComponent;
  return {
    users: async (prefix) =>
      pick(
        await admin(`users?limit=${MOST}${prefix === "" ? "" : `&email=${encode(prefix)}`}`),
        "users",
        "email",
        "role",
      ),
    keyIds: async () => pick(await admin(`api-keys?limit=${MOST}`), "api_keys", "id", "prefix"),
    keyPrefixes: async () => pick(await admin(`api-keys?limit=${MOST}`), "api_keys", "prefix", "name"),
    providers: async () => pick(await admin("providers"), "providers", "name", "type"),
    routes: async () => pick(await admin("routes"), "routes", "name", "comment"),
    budgets: async () => pick(await admin("budgets"), "budgets", "id", "name"),
    limits: async () => pick(await admin("limits"), "limits", "name", "per"),
    models: async () => pick(await ask("/v1/models"), "data", "id", "owned_by"),
    overlays: own.overlays,
    close: own.close,
  };
}

type Row = Readonly<Record<string, unknown>>;

function pick(answer: Row, list: string, field: string, about: string): Named[] {
  const rows = answer[list];
  if (!Array.isArray(rows)) return [];
  return (rows as Row[]).flatMap((row) => {
    const [name, more] = [row[field], row[about]];
    return typeof name === "string" ? [{ name, about: typeof more === "string" ? more : "" }] : [];
  });
}
