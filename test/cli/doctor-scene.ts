// A machine of its own for each test, to be examined: what is said of it, and servers that stand outside of it.

import { afterEach, beforeEach, expect } from "bun:test";
import { appendFileSync } from "node:fs";
import { join } from "node:path";
import { EXIT } from "../../src/cli/error.ts";
import { type Desk, makeDesk } from "./desk.ts";

export interface Report {
  healthy: boolean;
  summary: Record<string, number>;
  findings: {
    check: string;
    level: string;
    subject: string;
    found: string;
    why: string | null;
    remedy: string | null;
    at?: { file: string; line: number; key: string };
  }[];
}

export let desk: Desk;
const ends: (() => unknown)[] = [];

/** Before and after each test of a file. */
export function useMachines(): void {
  beforeEach(() => renew());
  afterEach(async () => {
    desk.close();
    for (const end of ends.splice(0)) await end();
  });
}

/** On the PostgreSQL database of the DSN, where one is given. */
export function renew(dsn?: string): void {
  desk = makeDesk(dsn);
  setting("http_address = 127.0.0.1:0");
}

export function atEnd(end: () => unknown): void {
  ends.push(end);
}

export const setting = (text: string): void => appendFileSync(join(desk.folder, "config/setting.ini"), `${text}\n`);
export const firstUse = () => desk.read("admin users create --email a@example.com");

export async function examine(...more: string[]): Promise<Report & { code: number; raw: string; err: string }> {
  const { code, out, err } = await desk.run(["doctor", "--json", ...more]);
  const report: Report = JSON.parse(out);
  expect(report.healthy).toBe(code === EXIT.ok);
  expect(code).toBe(report.summary["error"] === 0 ? EXIT.ok : EXIT.unhealthy);
  for (const { level, why, remedy } of report.findings) {
    expect(level === "ok" || ((why ?? "") !== "" && (remedy ?? "") !== "")).toBeTrue();
  }
  return { ...report, code, raw: out + err, err };
}

/** Levels and words of one check, worst of all first where there are several. */
export const of = ({ findings }: Report, check: string) =>
  findings
    .filter((finding) => finding.check === check)
    .map(({ level, subject, found }) => `${level}: ${subject}: ${found}`);

export function serve(answer: (request: Request) => Response): string {
  const server = Bun.serve({ port: 0, hostname: "127.0.0.1", fetch: answer });
  ends.push(() => server.stop(true));
  return `http://127.0.0.1:${server.port}`;
}
