// The bundled price list, loaded when the daemon starts. The version stands on every row that it prices.

import { type PriceBook, type PriceRules, createPriceBook } from "./price.ts";
import { type Catalog, createCatalog, stackCatalogs } from "./price-catalog.ts";
import type { CatalogVendor } from "./price-data.ts";

/** Kept equal to package.json by a test. */
export const PRICE_LIST = "genai-prices@0.1.8";

/** When that version was published: https://www.npmjs.com/package/@pydantic/genai-prices?activeTab=versions */
const PRICE_LIST_DATE = "2026-09-23";

/** With what is known to stand otherwise on vendors' pages, where that is given. */
export async function loadBundledPrices(corrections?: Parameters<typeof createCatalog>[0]): Promise<Catalog> {
  const { waitForUpdate } = await import("@pydantic/genai-prices");
  // Nothing was asked to update it, so that this is what came with the package.
  const vendors = (await waitForUpdate()) as unknown as CatalogVendor[] | null;
  const list = createCatalog({ vendors: vendors ?? [], source: PRICE_LIST, date: PRICE_LIST_DATE });
  return corrections === undefined ? list : stackCatalogs(createCatalog(corrections), list);
}

/** The bundled list alone, with what vendors document beside it. */
export async function loadPriceBook({
  corrections,
  ...rules
}: Omit<PriceRules, "layers"> & { corrections?: Parameters<typeof createCatalog>[0] }): Promise<PriceBook> {
  return createPriceBook({ ...rules, layers: [await loadBundledPrices(corrections)] });
}
