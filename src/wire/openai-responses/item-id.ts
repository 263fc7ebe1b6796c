// Ids of output items, as OpenAI forms them: a prefix that tells the kind, and what makes it this call's. Knows no item.

const PREFIXES = {
  custom: "ctc",
  function: "fc",
  image: "ig",
  message: "msg",
  reasoning: "rs",
  response: "resp",
  search: "tsc",
} as const;

export type ItemKind = keyof typeof PREFIXES;

/** The same for the same call and place, and no other's. */
export function makeItemId(kind: ItemKind, callId: string, index: number): string {
  return `${PREFIXES[kind]}_${callId.replaceAll("-", "")}${index.toString().padStart(4, "0")}`;
}
