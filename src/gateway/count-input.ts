// Asks the provider of a call that is on the books to count its request once more, apart from any request of a client's. Knows no format.

import { type JsonObject, isJsonObject } from "../ir/index.ts";
import type { InputQuestion } from "../ledger/index.ts";
import { readCapped } from "../lib/capped-text.ts";
import { WIRES, type Wire } from "../wire/index.ts";
import type { GatewayTools } from "./call.ts";
import { openLine, send } from "./send.ts";
import { waitAtMost } from "./way/deadline.ts";

/** Nobody waits for it but the recount. */
const PATIENCE = waitAtMost(15_000);
const MAX_ANSWER_BYTES = 64 * 1024;

/** The provider's count; null where it counts no such requests, or does not answer. Never rejects. */
export async function countInput(
  question: InputQuestion,
  tools: Pick<GatewayTools, "clock" | "fetch" | "scene">,
): Promise<number | null> {
  try {
    return await ask(question, tools);
  } catch {
    return null;
  }
}

async function ask(
  { provider: name, model, format, request }: InputQuestion,
  { scene, fetch, clock }: Pick<GatewayTools, "clock" | "fetch" | "scene">,
): Promise<number | null> {
  const provider = scene().providers.get(name);
  if (provider === undefined || provider.missing !== null || provider.answer !== null) return null;
  const spoken = provider.speaks(model);
  const found = Object.values<Wire>(WIRES).find(
    (wire) => wire.operation === "count" && wire.count?.wire.id === format && spoken.includes(wire.id),
  );
  if (found?.operation !== "count" || found.count === undefined) return null;
  const asked: unknown = JSON.parse(request);
  if (!isJsonObject(asked)) return null;
  const endpoint = provider.endpoint(found.id, { model, stream: false });
  const wanted = { ...found.count.ask(asked, model), ...endpoint.set };
  const { convert } = endpoint;
  const body = JSON.stringify(convert === undefined ? wanted : convert.request({ ...wanted, model }));
  const headers = { "content-type": "application/json", ...provider.headers, ...endpoint.headers };
  const proof = (await provider.authorize?.({ method: "POST", url: endpoint.url, headers, body })) ?? {};
  const line = openLine(new AbortController().signal, clock);
  try {
    const response = await send({
      provider: name,
      url: endpoint.url,
      body,
      headers: { ...headers, ...proof },
      line,
      deadlines: PATIENCE,
      fetch,
    });
    line.arm(PATIENCE.total);
    const answer = parse(await readCapped(response, MAX_ANSWER_BYTES));
    if (!response.ok || answer === null) return null;
    const own = convert === undefined ? answer : convert.answer(answer, wanted, response.headers, () => 0);
    return own === null ? null : found.count.read(own);
  } finally {
    line.release(true);
  }
}

function parse(text: string | null): JsonObject | null {
  const value: unknown = text === null ? null : JSON.parse(text);
  return isJsonObject(value) ? value : null;
}
