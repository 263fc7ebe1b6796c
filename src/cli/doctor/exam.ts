// An examination: opens what the checks look at, runs them side by side, each in its time, and lets no secret out. Knows no check's business.

import type { Config } from "../../config/index.ts";
import { createRedactor } from "../../lib/redact.ts";
import { createControlStore } from "../../store/control.ts";
import { glance } from "../../store/glance.ts";
import { locateLedger } from "../../store/location.ts";
import { createProviderStore } from "../../store/provider.ts";
import { openProviderBook } from "../effective.ts";
import { type ConfigFlags, toLoadOptions } from "../flags.ts";
import { readRuntime } from "../runtime.ts";
import { CHECKS, type CheckName, ORDER } from "./checks.ts";
import { loadLeniently } from "./configuration.ts";
import { type Exam, type Finding, type Fleet, type Sight, type Sighting, describe, failure } from "./finding.ts";

export interface NamedFinding extends Finding {
  check: CheckName;
}

interface ExamInit {
  flags: ConfigFlags;
  isOffline: boolean;
  calls: Exam["calls"];
  progress: (done: number, total: number) => void;
}

/** No check takes longer; what it found until then is not known. */
const DEADLINE_MS = 30_000;

/** In the order of the checks. Never rejects for what is found. */
export async function examine({ flags, progress, ...init }: ExamInit): Promise<NamedFinding[]> {
  const options = toLoadOptions(flags);
  const said = await loadLeniently(options);
  const { identityPath, database } = said.loaded.config;
  const opening = open(identityPath, database);
  const runtime = await readRuntime((await opening).glance);
  const { loaded, problems, isBare } = runtime === null ? said : await loadLeniently({ ...options, runtime });
  const { config, effective, files, warnings } = loaded;
  const secrets = new Set(config.secrets);
  const seen: Sighting[] = [];
  const glances = [opening];
  const clean = (text: string): string => createRedactor([...secrets])(text);
  const look = (location: string): (() => Promise<Sight>) =>
    once(() => {
      const sight = open(location, database);
      glances.push(sight);
      return sight;
    });
  const identity = (): Promise<Sight> => opening;
  const ledger = locateLedger(config) === config.identityPath ? identity : look(config.ledgerPath);
  const exam: Exam = {
    ...init,
    flags,
    config,
    reading: {
      files,
      warnings,
      problems,
      isBare,
      declares: (provider) => effective.some(({ key }) => key.startsWith(`provider.${provider}.`)),
    },
    identity,
    ledger,
    fleet: once(async () => openFleet(config, await identity())),
    sawClock: (sighting) => void seen.push(sighting),
    sightings: () => seen,
    hide: (more) => more.forEach((secret) => secrets.add(secret)),
    clean,
  };
  const wanted = ORDER.filter((name) => name !== "call" || init.calls.length > 0);
  let done = 0;
  const run = async (name: CheckName): Promise<NamedFinding[]> => {
    const found = await runCheck(name, exam);
    progress(++done, wanted.length);
    return found.map((finding) => ({ check: name, ...finding }));
  };
  progress(0, wanted.length);
  // Others' clocks are seen by whoever asks them. A database is looked through without a pause, in which no answer would be taken in time.
  const first = await Promise.all(wanted.filter((name) => name !== "clock" && name !== "database").map(run));
  const all = [...first, await run("database")].flat();
  for (const sight of glances) noteClock(await sight, exam);
  all.push(...(await run("clock")));
  for (const sight of glances) await (await sight).glance?.close().catch(() => undefined);
  return all
    .toSorted((left, right) => ORDER.indexOf(left.check) - ORDER.indexOf(right.check))
    .map((finding) => cleanFinding(finding, clean));
}

async function open(location: string, database: Config["database"]): Promise<Sight> {
  const place = location.includes("://") ? describeLocation(location) : location;
  try {
    const glanced = await glance({ location, database });
    return { place: glanced?.facts.engine === "postgres" ? glanced.facts.place : place, glance: glanced, fault: null };
  } catch (error) {
    return { place, glance: null, fault: error instanceof Error ? error : new Error(String(error)) };
  }
}

/** Host and database; where it cannot be read for certain, nothing of it. */
function describeLocation(dsn: string): string {
  const url = URL.parse(dsn);
  return url === null || url.hash !== "" || url.pathname.includes("@")
    ? "PostgreSQL"
    : `PostgreSQL at ${url.host}${url.pathname}`;
}

function noteClock({ glance: glanced }: Sight, { sawClock }: Pick<Exam, "sawClock">): void {
  if (glanced?.facts.engine === "postgres") sawClock({ whose: glanced.facts.place, skewMs: glanced.facts.skewMs });
}

/** Those of run time can be read where the tables are as this program knows them. */
async function openFleet(config: Config, { glance: glanced, fault }: Sight): Promise<Fleet> {
  const { mergeProviders } = await import("../../server/index.ts");
  const declared = { ...mergeProviders(config, []), controls: [], fault: null };
  if (fault !== null) return { ...declared, fault: "the database cannot be read" };
  if (glanced === null || glanced.schema.pending > 0 || glanced.schema.foreign !== null) return declared;
  try {
    const book = await openProviderBook(config, { providers: createProviderStore(glanced.engine) });
    const controls = await createControlStore(glanced.engine).list();
    return { ...mergeProviders(config, await book.open()), controls, fault: null };
  } catch (error) {
    return { ...declared, fault: describe(error) };
  }
}

async function runCheck(name: CheckName, exam: Exam): Promise<Finding[]> {
  const { promise, resolve } = Promise.withResolvers<Finding[]>();
  const words = {
    why: "What it would have found is not known.",
    remedy: "Try again; where it stays so, look at what the others find.",
  };
  const found = `was not done within ${DEADLINE_MS / 1000} s`;
  const timer = setTimeout(() => resolve([failure(name, { found, ...words })]), DEADLINE_MS);
  try {
    return await Promise.race([CHECKS[name](exam), promise]);
  } catch (error) {
    return [failure(name, { found: `could not be looked at: ${describe(error)}`, ...words })];
  } finally {
    clearTimeout(timer);
  }
}

function cleanFinding(finding: NamedFinding, clean: (text: string) => string): NamedFinding {
  const { subject, found, why, remedy } = finding;
  return {
    ...finding,
    subject: clean(subject),
    found: clean(found),
    why: why === null ? null : clean(why),
    remedy: remedy === null ? null : clean(remedy),
  };
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | null = null;
  return () => (running ??= work());
}
