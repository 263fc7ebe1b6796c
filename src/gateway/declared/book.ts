// Providers that are declared while the gateway runs, and their credentials: each change is a version of its own, of two changes at once one must look
// again, and a credential is kept encrypted or not at all. What a provider may say is judged by whoever opens the book. Knows no SQL and no HTTP.

import { GatewayError, checkAll, invalidRequest, refuseFaults } from "../../ir/index.ts";
import type { Origin } from "../../lib/change.ts";
import { refuseUnseen } from "../line.ts";
import {
  checkComment,
  checkExpected,
  checkName,
  checkSize,
  missing,
  missingSecret,
  secretSaid,
  stale,
} from "./check.ts";
import { type Rotation, rotateSecrets } from "./rotate.ts";
import {
  type OpenSecret,
  type SealedSecret,
  type SecretKeys,
  explainUnreadable,
  openSecret,
  resealSecret,
  sealSecret,
} from "./secret.ts";

/** By name, as they are written in a section of the configuration; nothing secret is among them. */
export type ProviderFields = Readonly<Record<string, string>>;

export interface ProviderVersion {
  id: string;
  name: string;
  /** From 1, without gaps. */
  version: number;
  /** Null: from here on there is no such provider. Empty: only credentials are set, and the configuration says the rest. */
  fields: ProviderFields | null;
  /** Which credentials there were from then on, by their ends. */
  secrets: readonly { field: string; hint: string }[];
  /** Why, in the words of whoever changed it. */
  comment: string | null;
  /** Who: an e-mail address, or `operator` for whoever holds the database. */
  author: string;
  authorId: string | null;
  createdAt: Date;
}

export interface ProviderStore {
  /** All or nothing; false where there is a version of that number already. */
  add(
    version: ProviderVersion,
    secrets: { put: readonly SealedSecret[]; drop: readonly string[] },
    by?: Origin,
  ): Promise<boolean>;
  /** The newest version of each provider, deleted ones too, by name. */
  list(): Promise<ProviderVersion[]>;
  /** Newest first. */
  history(name: string): Promise<ProviderVersion[]>;
  /** By provider and field; those of one provider where it is named. */
  secrets(name?: string): Promise<SealedSecret[]>;
  /** False where it is not as it was any more. */
  exchange(before: SealedSecret, after: SealedSecret, by?: Origin): Promise<boolean>;
  /** Grows with each change; cheap enough to ask every second. */
  revision(): Promise<number>;
}

export interface ProviderChange {
  name: string;
  author: Pick<ProviderVersion, "author" | "authorId">;
  /** What is recorded of it beside. */
  by?: Origin | undefined;
  comment?: string | null | undefined;
  /** The version that is to be changed, 0 for none; undefined: whichever there is. */
  expected?: number | undefined;
}

/** By field; null takes one away, and those that are not named stay. */
export type SaidSecrets = Readonly<Record<string, string | null>>;

export interface Judgement {
  /** What is wrong, in sentences by field; nothing where it may be put in force. */
  faults: readonly { field: string; message: string }[];
  /** Scheme, host and port of each address that its credentials would go to. */
  origins: readonly string[];
}

/** Failures are GatewayErrors: `invalid_request` (with `param`), `not_found`, `conflict`. */
export interface ProviderBook {
  get(name: string): Promise<ProviderVersion>;
  /** All that it says; credentials that are not named stay. */
  set(change: ProviderChange, fields: ProviderFields, secrets: SaidSecrets): Promise<ProviderVersion>;
  /** The rest stays as it is; where there is none of the name, the configuration says the rest. */
  setSecrets(change: ProviderChange, secrets: SaidSecrets): Promise<ProviderVersion>;
  /** Its credentials are gone, its history stays. One that is deleted already stays as it is. */
  delete(change: ProviderChange): Promise<ProviderVersion>;
  history(name: string): Promise<ProviderVersion[]>;
  /** Says again what a version said; credentials stay as they are. */
  rollback(change: ProviderChange, version: number): Promise<ProviderVersion>;
  /** All of them as they are in memory. */
  open(): Promise<OpenProvider[]>;
  /** Encrypts every credential anew; begun again, it goes on where it was broken off. */
  rotate(by: Origin | undefined, progress: (done: number, total: number) => void): Promise<Rotation>;
}

export interface OpenProvider {
  version: ProviderVersion;
  secrets: readonly OpenSecret[];
  /** Why those are of no use that have no text: by field, the end of a sentence. */
  faults: Readonly<Record<string, string>>;
}

interface BookInit {
  store: ProviderStore;
  keys: SecretKeys;
  /** With all the credentials that it would have. */
  judge(name: string, fields: ProviderFields, secrets: Readonly<Record<string, string>>): Judgement;
  /** Whether a text must not be kept where everybody who may read providers finds it for ever. */
  isSecret(text: string): boolean;
  now: () => number;
  newId: () => string;
}

const MAX_PROVIDERS = 1_000;
/** As many may change one at the same instant. */
const TRIES = 20;

export function createProviderBook(init: BookInit): ProviderBook {
  const { store } = init;
  const history = async (name: string): Promise<ProviderVersion[]> => {
    const versions = await store.history(name);
    if (versions.length > 0) return versions;
    throw missing(name);
  };
  const set: ProviderBook["set"] = async (change, fields, secrets) => {
    const leaked = Object.entries(fields).filter(([, text]) => init.isSecret(text));
    // What is wrong elsewhere may repeat what must not be seen.
    checkAll(Object.fromEntries(leaked.map(([field]) => [field, () => refuseSecret(field)])));
    checkSize(fields, secrets);
    checkAll(Object.fromEntries(Object.entries(fields).map(([name, text]) => [name, () => refuseUnseen(name, text)])));
    const all = (await store.list()).filter((each) => each.fields !== null);
    if (all.length >= MAX_PROVIDERS && all.every(({ name }) => name !== change.name)) {
      throw invalidRequest(`There are ${MAX_PROVIDERS} providers already, which is as many as may be.`, "name");
    }
    return write(init, change, { fields, secrets });
  };
  return {
    async get(name) {
      const [last] = await store.history(name);
      if (last === undefined || last.fields === null) throw missing(name);
      return last;
    },
    set,
    async setSecrets(change, secrets) {
      for (let tries = 1; ; tries++) {
        const [last] = await store.history(change.name);
        const known = await store.secrets(change.name);
        const gone = Object.entries(secrets).find(
          ([field, text]) => text === null && known.every((each) => each.field !== field),
        );
        if (gone !== undefined) throw missingSecret(change.name, gone[0]);
        try {
          // What others change meanwhile must not be undone by it.
          return await set({ ...change, expected: change.expected ?? last?.version ?? 0 }, last?.fields ?? {}, secrets);
        } catch (error) {
          const isLate = error instanceof GatewayError && error.kind === "conflict";
          if (!isLate || change.expected !== undefined || tries >= TRIES) throw error;
        }
      }
    },
    async delete(change) {
      const gone = await findGone(store, change.name);
      if (gone !== null) return gone;
      try {
        return await write(init, change, { fields: null, secrets: {} });
      } catch (error) {
        // Somebody else was faster, which is as good.
        const last = await findGone(store, change.name);
        if (last === null) throw error;
        return last;
      }
    },
    history,
    async rollback(change, version) {
      const found = (await history(change.name)).find((each) => each.version === version);
      if (found === undefined) {
        throw new GatewayError({
          kind: "not_found",
          param: "version",
          message: `The provider "${change.name}" has no version ${version}; its history lists them.`,
        });
      }
      const again = { ...change, comment: change.comment ?? `rollback to version ${version}` };
      return found.fields === null ? write(init, again, { fields: null, secrets: {} }) : set(again, found.fields, {});
    },
    open: () => openAll(init),
    rotate: (by, progress) => rotateSecrets(init, { by, progress }),
  };
}

function refuseSecret(field: string): never {
  throw secretSaid(field);
}

async function findGone(store: ProviderStore, name: string): Promise<ProviderVersion | null> {
  const [last] = await store.history(name);
  return last?.fields === null ? last : null;
}

interface Said {
  fields: ProviderFields | null;
  secrets: SaidSecrets;
}

/** Whoever names a version is told what there is now; whoever names none has it made behind the others'. */
async function write(init: BookInit, change: ProviderChange, said: Said): Promise<ProviderVersion> {
  for (let tries = 0; tries < TRIES; tries++) {
    const written = await tryWrite(init, change, said);
    if (written !== null) return written;
  }
  throw stale(change.name, null);
}

/** Null where somebody else was faster. */
async function tryWrite(
  { store, keys, judge, isSecret, now, newId }: BookInit,
  change: ProviderChange,
  said: Said,
): Promise<ProviderVersion | null> {
  const { name, author } = change;
  const [last] = await store.history(name);
  const current = last?.version ?? 0;
  const standing = last === undefined || last.fields === null ? 0 : last.version;
  checkExpected(change, { current, standing });
  if (said.fields === null && standing === 0) throw missing(name);
  const known = keys.list();
  const before = await store.secrets(name);
  const kept = said.fields === null ? [] : before.filter(({ field }) => !Object.hasOwn(said.secrets, field));
  const opened = await Promise.all(kept.map((sealed) => openSecret(known, sealed)));
  const fresh = Object.entries(said.secrets).filter((entry): entry is [string, string] => entry[1] !== null);
  const texts = [...opened.flatMap(({ field, text }) => (text === null ? [] : [[field, text] as const])), ...fresh];
  const { faults, origins } =
    said.fields === null ? { faults: [], origins: [] } : judge(name, said.fields, Object.fromEntries(texts));
  const { comment } = checkAll({
    name: () => checkName(name),
    comment: () => checkComment(change.comment, isSecret),
    fields() {
      if (faults.length > 0) throw refuseFaults(faults, "invalid_provider");
    },
  });
  const createdAt = new Date(now());
  const about = { provider: name, boundTo: origins.join(" "), setAt: createdAt, setBy: author.author };
  const key = fresh.length === 0 ? null : keys.current();
  const put =
    key === null ? [] : await Promise.all(fresh.map(([field, text]) => sealSecret(key, text, { ...about, field })));
  const version: ProviderVersion = {
    id: newId(),
    name,
    version: current + 1,
    fields: said.fields,
    secrets: [...kept, ...put].map(({ field, hint }) => ({ field, hint })).toSorted(byField),
    comment,
    ...author,
    createdAt,
  };
  const drop = before.map(({ field }) => field).filter((field) => !kept.some((each) => each.field === field));
  if (!(await store.add(version, { put, drop }, change.by))) return null;
  if (key !== null) await followRotation({ store, keys }, put, [key, ...known]);
  return version;
}

/** A rotation that ended meanwhile may have forgotten the key that this was sealed with. */
async function followRotation(
  { store, keys }: Pick<BookInit, "keys" | "store">,
  put: readonly SealedSecret[],
  known: ReturnType<SecretKeys["list"]>,
): Promise<void> {
  const current = keys.current();
  for (const sealed of put) {
    if (sealed.keyId !== current.id) await store.exchange(sealed, await resealSecret(known, current, sealed));
  }
}

async function openAll({ store, keys }: BookInit): Promise<OpenProvider[]> {
  const versions = await store.list();
  const sealed = Map.groupBy(await store.secrets(), ({ provider }) => provider);
  // Without a credential no key is needed, and a file that cannot be read is nobody's trouble.
  const known = sealed.size === 0 ? [] : keys.list();
  return Promise.all(
    versions.map(async (version) => {
      const own = version.fields === null ? [] : (sealed.get(version.name) ?? []);
      const secrets = await Promise.all(own.map((each) => openSecret(known, each)));
      const shut = secrets.filter(({ text }) => text === null);
      const faults = Object.fromEntries(shut.map((each) => [each.field, explainUnreadable(each, known)]));
      return { version, secrets, faults };
    }),
  );
}

function byField(left: { field: string }, right: { field: string }): number {
  return left.field < right.field ? -1 : 1;
}
