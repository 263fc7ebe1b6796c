// The address that is listened on: free, or a gateway of ours there already, of which version, and on which database.

import { realpathSync } from "node:fs";
import { createServer } from "node:net";
import { findAddress } from "../../config/index.ts";
import { findPortHolder } from "../../lib/port-holder.ts";
import { VERSION } from "../../lib/version.ts";
import { STRAIGHT } from "../remote/target.ts";
import { type Check, type Exam, type Finding, failure, note, ok, warning } from "./finding.ts";

const PATIENCE_MS = 3_000;

export const checkPort: Check = async (exam) => {
  const { http } = exam.config;
  const subject = `${http.hostname ?? ""}:${http.port}`;
  if (http.port === 0) return [ok(subject, "any port that is free")];
  const busy = await tryListening(http);
  if (busy === null) return [ok(subject, "is free; no gateway runs there")];
  if (busy === "EADDRINUSE") return lookAtHolder(exam, subject);
  const remedy =
    busy === "EACCES"
      ? "Choose a port above 1023: http_address = :8081"
      : "Correct http_address: an address of this machine, or only :PORT for all of them.";
  return [failure(subject, { found: `cannot be listened on (${busy})`, why: "No gateway starts there.", remedy })];
};

/** Null where it may; a code where not. */
function tryListening({ hostname, port }: Exam["config"]["http"]): Promise<string | null> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error: NodeJS.ErrnoException) => resolve(error.code ?? "unknown error"));
    server.listen({ port, exclusive: true, ...(hostname === null ? {} : { host: hostname }) }, () =>
      server.close(() => resolve(null)),
    );
  });
}

async function lookAtHolder(exam: Exam, subject: string): Promise<Finding[]> {
  const url = findAddress({ http: exam.config.http, signIn: { publicUrl: null, isLocalRootFree: false } });
  const said = await ask(`${url}/version`);
  const { version } = (said?.body ?? {}) as { version?: unknown };
  if (typeof version !== "string") {
    return [
      failure(subject, {
        found: said === null ? "something listens there that does not answer" : "another program listens there",
        why: "The gateway cannot start while it does.",
        remedy: "Stop it, or choose another address: http_address = :9090",
      }),
    ];
  }
  return [...judgeVersion(subject, version), ...(await judgeHealth(url)), ...(await judgeDatabase(exam, subject))];
}

function judgeVersion(subject: string, version: string): Finding[] {
  if (version === VERSION) return [ok(subject, `a gateway runs there, version ${version}`)];
  return [
    warning(subject, {
      found: `a gateway runs there, version ${version.slice(0, 40)}; this program is ${VERSION}`,
      why: "What one of them writes the other may not read.",
      remedy: "Start the gateway anew with this program, or use the program that it was started with.",
    }),
  ];
}

async function judgeHealth(url: string): Promise<Finding[]> {
  const ready = await ask(`${url}/health/ready`);
  const checks = Object.entries(((ready?.body ?? {}) as { checks?: Record<string, unknown> }).checks ?? {});
  const bad = checks.filter(([, state]) => state !== "ok").map(([name]) => name);
  if (ready !== null && bad.length === 0) return [ok(url, "is ready for requests")];
  return [
    failure(url, {
      found: ready === null ? "does not say whether it is ready" : `is not ready: ${bad.join(", ")}`,
      why: "Who spreads requests over gateways sends it none, and requests fail.",
      remedy: "The gateway's log says why, and so may what is found below.",
    }),
  ];
}

/** Linux tells which files and connections the program that listens has open. */
async function judgeDatabase(exam: Exam, subject: string): Promise<Finding[]> {
  const { config } = exam;
  const holder = findPortHolder(config.http.port);
  const wanted = [config.identityPath, config.ledgerPath].find((path) => !path.includes("://"));
  const isConnected = holder !== null && (await listClientPorts(exam)).some((port) => holder.ports.includes(port));
  const path = wanted === undefined ? null : resolve(wanted);
  const isOpen = path !== null && holder?.files.includes(path) === true;
  if (holder !== null && (isConnected || isOpen))
    return [ok(subject, `works on the same database, as process ${holder.pid}`)];
  if (holder === null || wanted === undefined) {
    return [
      note(subject, {
        found: "whether that gateway works on the same database cannot be seen from here",
        why: "Commands change the database that this configuration names.",
        remedy:
          'Where a key made here is refused there, it works on another one; "config show --origin" tells where each path comes from.',
      }),
    ];
  }
  return [
    warning(subject, {
      found: `the gateway there (process ${holder.pid}) works on another database than ${wanted}`,
      why: "What commands change with this configuration never reaches it.",
      remedy: "Run commands with the configuration, the user and the environment that it was started with.",
    }),
  ];
}

async function listClientPorts(exam: Exam): Promise<number[]> {
  const facts = (await exam.identity()).glance?.facts;
  return facts?.engine === "postgres" ? facts.clientPorts : [];
}

function resolve(path: string): string | null {
  try {
    return realpathSync(path);
  } catch {
    return null;
  }
}

async function ask(url: string): Promise<{ body: unknown } | null> {
  try {
    const signal = AbortSignal.timeout(PATIENCE_MS);
    const response = await fetch(url, {
      ...STRAIGHT,
      signal,
      redirect: "manual",
      tls: { rejectUnauthorized: false },
    });
    const text = await response.text();
    return { body: text.startsWith("{") ? JSON.parse(text) : null };
  } catch {
    return null;
  }
}
