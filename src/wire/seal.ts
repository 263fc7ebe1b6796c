// Reasoning that one provider signed or sealed, on its way through clients of another format and back: the opaque value travels with the
// name of the format that made it, so that it never reaches a provider that would refuse it. Knows no format.

import type { ReasoningPart } from "../ir/index.ts";

type Sealed = Pick<ReasoningPart, "signature" | "encrypted" | "origin">;

/** With this a marked value begins. */
export const SEAL_MARK = "tokligence.";

const FIELDS = { s: "signature", e: "encrypted" } as const;
const PATTERN = /^tokligence\.([a-z-]+)\.([se])\.(.*)$/su;

/** The one opaque value of a part as a client of format `own` carries it: as it is where it is that format's own, else marked. */
export function seal(part: Sealed, own: string): string | null {
  const letter = part.signature === undefined ? "e" : "s";
  const value = part[FIELDS[letter]];
  if (value === undefined) return null;
  return part.origin === undefined || part.origin === own ? value : `tokligence.${part.origin}.${letter}.${value}`;
}

/** What `seal` made, back as it was; any other value is the format's own, under the field `otherwise`. */
export function unseal(value: string, own: string, otherwise: "signature" | "encrypted"): Sealed {
  const match = PATTERN.exec(value);
  if (match === null) return { [otherwise]: value, origin: own };
  const [, origin = own, letter, inner = ""] = match;
  return { [letter === "s" ? "signature" : "encrypted"]: inner, origin };
}

/** True where leaving the part out loses something: words, or what a provider sealed. */
export function saysSomething({ text, signature, encrypted }: Sealed & Pick<ReasoningPart, "text">): boolean {
  return text !== "" || signature !== undefined || encrypted !== undefined;
}

/** True where the part's opaque value was made by another format than `own`, and so means nothing to its providers. */
export function isForeign(part: Sealed, own: string): boolean {
  return part.origin !== undefined && part.origin !== own;
}
