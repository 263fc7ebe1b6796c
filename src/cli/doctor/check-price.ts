// The price files: whether they are there, and such as prices are taken from.

import { maskSource } from "../../config/index.ts";
import type { PriceKeeper } from "../../ledger/price-keeper.ts";
import { openPriceDesk } from "../price-desk.ts";
import { type Check, type Exam, type Finding, describe, ok, warning } from "./finding.ts";

export const checkPrices: Check = async (exam) => {
  const { file, marketFile } = exam.config.prices;
  const desk = await openPriceDesk(exam.config, () => undefined, false, true);
  const named = [
    { key: "price_file", location: file, keeper: desk.keeper },
    { key: "market_price_file", location: marketFile, keeper: desk.market },
  ];
  const findings: Finding[] = [];
  for (const { key, location, keeper } of named)
    if (location !== null) findings.push(await judge(exam, { key, location, keeper }));
  return findings.length > 0 ? findings : [ok("price_file", "is not set: calls are priced by the built-in list")];
};

async function judge(
  { clean, isOffline }: Exam,
  { key, location, keeper }: { key: string; location: string; keeper: PriceKeeper },
): Promise<Finding> {
  const subject = `${key} ${maskSource(location)}`;
  if (isOffline && /^https?:/iu.test(location)) return ok(subject, "is set; not asked, as nothing outside was to be");
  // What is older than what is in use is not taken.
  await keeper.recall();
  try {
    const read = await keeper.refresh();
    return ok(subject, `holds ${read?.size ?? 0} prices${read?.date ? `, of ${read.date}` : ""}`);
  } catch (error) {
    return warning(subject, {
      found: clean(describe(error)),
      why: "Calls are priced by the last good copy of it, or by the built-in list where there is none.",
      remedy: `Put a good file there, or change ${key}; tokligence prices refresh reads it at once.`,
    });
  }
}
