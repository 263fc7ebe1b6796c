// The bundled price list, loaded when the daemon starts. The version stands on every row that it prices.

import { type PriceBook, createPriceBook } from "./price.ts";

/** Kept equal to package.json by a test. */
export const PRICE_LIST = "genai-prices@0.1.8";

export async function loadPriceBook(): Promise<PriceBook> {
  const { calcPrice } = await import("@pydantic/genai-prices");
  return createPriceBook(calcPrice, PRICE_LIST);
}
