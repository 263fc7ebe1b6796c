// The whole capability matrix as a file that a reader can judge: a change of translation shows in its diff. UPDATE_GOLDEN=1 writes it anew.

import { expect, test } from "bun:test";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { type Capability, FEATURES, SURFACES, type Verdict, probeCapabilities } from "../../src/gateway/index.ts";
import { listSampleProviders } from "../../src/provider/sample.ts";

const PATH = join(import.meta.dir, "capability.txt");

const LETTERS = { absent: "-", dropped: "d", kept: "k", mapped: "m", refused: "r" } as const satisfies Record<
  Verdict,
  string
>;

test("the matrix is as it was last looked at", () => {
  const printed = printMatrix([...probeCapabilities(listSampleProviders())].flat());
  if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(PATH, printed);
  else expect(printed).toBe(readFileSync(PATH, "utf8"));
});

/** Providers that do the same stand together. */
function printMatrix(cells: readonly Capability[]): string {
  const blocks = new Map<string, string[]>();
  for (const [name, own] of Map.groupBy(cells, ({ provider, model }) => `${provider} ${model}`)) {
    const block = printBlock(own);
    blocks.set(block, [...(blocks.get(block) ?? []), name]);
  }
  const head = [
    "Client formats, in the order of the columns:",
    ...SURFACES.map(({ id }) => `  ${id}`),
    `k kept, m mapped, d dropped, r refused, - cannot be asked for or said`,
  ].join("\n");
  return [head, ...[...blocks].map(([block, names]) => `${names.join("\n")}\n${block}`)].join("\n\n") + "\n";
}

function printBlock(cells: readonly Capability[]): string {
  const letters = new Map(cells.map(({ surface, feature, outcome }) => [`${surface} ${feature}`, LETTERS[outcome]]));
  return FEATURES.map(({ feature }) => {
    const row = SURFACES.map(({ id }) => letters.get(`${id} ${feature}`) ?? "?").join(" ");
    return `  ${row}  ${feature}`;
  }).join("\n");
}
