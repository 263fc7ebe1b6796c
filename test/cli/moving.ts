// What is moved in tests of moves, and how it is looked at on the other side. Knows no case.

import { afterEach, expect } from "bun:test";
import { type Bench, fillBooks, makeBench } from "../audit/verify/books.ts";
import { type Desk, makeDesk } from "./desk.ts";

export const open: { close(): void }[] = [];
afterEach(() => {
  for (const each of open.splice(0)) each.close();
});

/** Two files with users, a key, a budget and signed books, as a gateway leaves them. */
export async function fillFiles(): Promise<Bench> {
  const bench = makeBench();
  open.push(bench.desk);
  await bench.desk.run("admin users create --email ana@example.com --name Ána\u{1F600} --role gateway_admin");
  await bench.desk.run("admin users create --email bo@example.com");
  await bench.desk.run("admin api-keys create --user bo@example.com --name laptop --scopes inference");
  await bench.desk.run("admin budgets create --name all --limit-usd 5");
  await bench.desk.run("admin routes set fast targets=loopback");
  await fillBooks(bench);
  return bench;
}

/** A desk whose configuration names the target. */
export function deskOn(location: string): Desk {
  const desk = makeDesk(location);
  open.push(desk);
  const lines = [`home = ${desk.folder}`, `identity_path = ${location}`, `ledger_path = ${location}`];
  desk.write("config/setting.ini", `${lines.join("\n")}\n`);
  return desk;
}

export interface Tables {
  ok: boolean;
  written?: number;
  already_there?: number;
  caught_up?: number;
  tables: { table: string; equal: boolean; source: { rows: number; digest: string }; target: { rows: number } }[];
  differences?: { table: string; kind: string; id: string; columns: string[] }[];
}

export const rowsOf = (tables: Tables, name: string): number =>
  tables.tables.find(({ table }) => table === name)?.target.rows ?? -1;

export async function proveChains(desk: Desk): Promise<void> {
  expect(await desk.read("ledger verify")).toMatchObject({ ok: true, rows: 20, findings: [] });
  expect(await desk.read("admin audit verify")).toMatchObject({ ok: true, findings: [] });
}
