// The bundled price list, loaded when the daemon starts. The version stands on every row that it prices.

import { type PriceBook, type PriceRules, createPriceBook } from "./price.ts";
import { type Catalog, createCatalog } from "./price-catalog.ts";
import type { CatalogVendor } from "./price-data.ts";

/** Kept equal to package.json by a test. */
export const PRICE_LIST = "genai-prices@0.1.8";

/** When that version was published: https://www.npmjs.com/package/@pydantic/genai-prices?activeTab=versions */
const PRICE_LIST_DATE = "2026-09-23";

export async function loadBundledPrices(): Promise<Catalog> {
  const { waitForUpdate } = await import("@pydantic/genai-prices");
  // Nothing was asked to update it, so that this is what came with the package.
  const vendors = (await waitForUpdate()) as unknown as CatalogVendor[] | null;
  return createCatalog({ vendors: vendors ?? [], source: PRICE_LIST, date: PRICE_LIST_DATE });
}

/** The bundled list alone, with what vendors document beside it. */
export async function loadPriceBook(rules: Omit<PriceRules, "layers">): Promise<PriceBook> {
  return createPriceBook({ ...rules, layers: [await loadBundledPrices()] });
}
