// The executables that are measured, built once a run from the sources as they are: the one that is shipped, and one that differs from it in
// nothing but that its books are a writer which puts nothing anywhere. No switch of the product does that.

import { join } from "node:path";
import type { BunPlugin } from "bun";
import { findHost } from "../../base.ts";
import { DIST, ROOT, compile } from "../../compile.ts";

const WRITER = /\/src\/ledger\/writer\.ts$/u;
const MADE = "export function createLedgerWriter(";

let gateway: Promise<string> | null = null;
let ledgerless: Promise<string> | null = null;

export function buildGateway(): Promise<string> {
  gateway ??= build("tokligence", []);
  return gateway;
}

export function buildLedgerless(): Promise<string> {
  ledgerless ??= build("bench/tokligence-no-ledger", [forgetBooks]);
  return ledgerless;
}

async function build(name: string, plugins: BunPlugin[]): Promise<string> {
  const path = join(DIST, name);
  await compile(findHost(), path, plugins);
  return path;
}

const forgetBooks: BunPlugin = {
  name: "forget the books",
  setup(builder) {
    builder.onLoad({ filter: WRITER }, async ({ path }) => {
      const text = await Bun.file(path).text();
      if (!text.includes(MADE)) throw new Error(`${path} no longer makes the writer by that name.`);
      const contents = `${text.replace(MADE, "function createRealWriter(")}
import { forgetRows } from ${JSON.stringify(join(ROOT, "scripts/bench/forget.ts"))};
export function createLedgerWriter(init: LedgerWriterInit): LedgerWriter {
  return forgetRows(createRealWriter(init), false);
}
`;
      return { contents, loader: "ts" };
    });
  },
};
