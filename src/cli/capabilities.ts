// `tokligence capabilities`: what survives between each client format and each provider. Works it out itself; no server need run.

import { defineCommand } from "citty";
import { type Capability, probeCapabilities } from "../gateway/index.ts";
import { listSampleProviders } from "../provider/sample.ts";
import { checkFilter, filterCapabilities, printCapabilities, probeModel } from "../server/index.ts";
import { PLACE_ARGS } from "./flags.ts";
import { openScene } from "./models.ts";
import { printJson, printTable, say } from "./output.ts";
import { createRemote } from "./remote/client.ts";
import { findTarget } from "./remote/target.ts";

export default defineCommand({
  meta: { name: "capabilities", description: "Show what each provider can be asked through each client format" },
  args: {
    surface: { type: "string", description: "One client format, such as openai-chat", valueHint: "NAME" },
    provider: { type: "string", description: "One kind of provider", valueHint: "NAME" },
    feature: { type: "string", description: "One feature, such as json-schema", valueHint: "NAME" },
    model: { type: "string", description: "The provider that this model's name leads to here", valueHint: "NAME" },
    ...PLACE_ARGS,
  },
  async run({ args }) {
    checkFilter(args);
    const { feature, surface, model } = args;
    const isAll = [args.feature, args.provider, args.surface, model].every(isMissing);
    const target = findTarget(args);
    if (target !== null) {
      const query = { surface, feature, model, provider: args.provider };
      const question = { method: "GET", path: "/v1/capabilities", query } as const;
      const answer = await createRemote(target).ask<{ data: Capability[] }>(question, "data");
      return args.json === true ? printJson(answer) : printCells(answer.data, isAll);
    }
    const probed = model === undefined ? listSampleProviders() : [await findProbed(model, args)];
    const wants = (cell: Pick<Capability, "feature" | "surface">): boolean =>
      (feature ?? cell.feature) === cell.feature && (surface ?? cell.surface) === cell.surface;
    const wanted = probed.filter(({ name }) => (args.provider ?? name) === name);
    const cells = [...probeCapabilities(wanted, wants)].flat();
    if (args.json === true) printJson(printCapabilities(cells, args));
    else printCells(filterCapabilities(cells, args), isAll);
  },
});

async function findProbed(
  model: string,
  flags: Parameters<typeof openScene>[0],
): Promise<ReturnType<typeof probeModel>> {
  const { scene } = await openScene(flags);
  scene.catalog.stop();
  return probeModel(scene, model);
}

function isMissing(flag: string | undefined): boolean {
  return flag === undefined;
}

function printCells(cells: readonly Capability[], isAll: boolean): void {
  if (!isAll) {
    const shown = cells.filter((cell) => cell.outcome !== "absent");
    printTable(
      shown.map((cell) => ({ note: "", ...cell })),
      ["surface", "provider", "model", "feature", "outcome", "note"],
    );
    return;
  }
  printTable(countOutcomes(cells), ["surface", "provider", "model", "kept", "mapped", "dropped", "refused"]);
  say("Narrow it with --surface, --provider, --feature or --model to see each feature; --json has all of them.");
}

type Counts = Pick<Capability, "model" | "provider" | "surface"> &
  Record<"dropped" | "kept" | "mapped" | "refused", number>;

function countOutcomes(cells: readonly Capability[]): Counts[] {
  const rows = new Map<string, Counts>();
  for (const { surface, provider, model, outcome } of cells) {
    const key = `${surface} ${provider} ${model}`;
    const row = rows.get(key) ?? { surface, provider, model, kept: 0, mapped: 0, dropped: 0, refused: 0 };
    rows.set(key, row);
    if (outcome !== "absent") row[outcome]++;
  }
  return [...rows.values()];
}
