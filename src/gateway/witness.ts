// Keeps the text of a call until it is settled, and then hands it to whoever counts it again: references only, and of a stream never more
// than a bound. Knows no format and no tokenizer.

import type { Event } from "../ir/index.ts";
import type { HeardPart, LedgerEntry, Recounter } from "../ledger/index.ts";
import type { Plan } from "./plan.ts";

export interface Witness {
  /** What is asked, where the plan does not hold it. */
  asking(text: { format: string; body: string }): void;
  /** One event of a stream. */
  observed(event: Event): void;
  /** A whole answer as it came. */
  answered(raw: string): void;
  /** The call is on the books. */
  settled(entry: LedgerEntry, plan: PlannedText | null): void;
}

type PlannedText = { [Field in "body" | "endpoint" | "spoken"]?: Plan[Field] | undefined };

export function createWitness(recounter: Recounter): Witness {
  if (recounter.heardBytes === 0) return ABSENT;
  return new Hearing(recounter);
}

class Hearing implements Witness {
  readonly #recounter: Recounter;
  #heard: Heard | null = null;
  #whole: string | null = null;
  #asked: { format: string; body: string } | null = null;

  constructor(recounter: Recounter) {
    this.#recounter = recounter;
  }

  asking(text: { format: string; body: string }): void {
    this.#asked = text;
  }

  observed(event: Event): void {
    if (event.type !== "part-start" && event.type !== "part-delta") return;
    this.#heard ??= createHeard(this.#recounter.heardBytes);
    this.#heard.observe(event);
  }

  answered(raw: string): void {
    this.#whole = raw;
  }

  settled(entry: LedgerEntry, plan: PlannedText | null): void {
    const { spoken, body, endpoint } = plan ?? {};
    // Vectors are no text that a model wrote.
    const isVectors = spoken?.operation === "embeddings";
    const answer = isVectors ? null : (this.#whole ?? (this.#heard === null ? [] : this.#heard.parts()));
    this.#recounter.offer({
      entry,
      format: this.#asked?.format ?? nameFormat({ spoken, body, endpoint }),
      request: this.#asked?.body ?? body ?? "",
      answer,
      missing: !isVectors && answer === null ? "answer_too_large" : null,
    });
  }
}

/** Null where it is no text. */
function nameFormat({ spoken, body, endpoint }: PlannedText): string | null {
  if (body === undefined || (spoken?.operation !== "chat" && spoken?.operation !== "embeddings")) return null;
  return endpoint?.convert === undefined ? spoken.id : OWN_FORMAT;
}

const ABSENT: Witness = {
  asking: () => undefined,
  observed: () => undefined,
  answered: () => undefined,
  settled: () => undefined,
};

/** Of addresses that are spoken to in a form of the server's own. */
const OWN_FORMAT = "own";

interface Heard {
  observe(event: Event): void;
  /** What was heard; null where it was more than the bound. */
  parts(): readonly HeardPart[] | null;
}

/** Of one choice there are fewer parts than this. */
const CHOICE = 1_000_000;

function createHeard(maxBytes: number): Heard {
  const parts = new Map<number, HeardPart>();
  let left = maxBytes;
  let isOver = false;
  let lastKey = -1;
  let last: HeardPart | undefined;
  /** The newest pieces of that part, each still by itself. */
  let loose = 0;

  const find = (choice: number, part: number): HeardPart => {
    const key = choice * CHOICE + part;
    if (key === lastKey && last !== undefined) return last;
    lastKey = key;
    loose = 0;
    last = parts.get(key);
    if (last === undefined) {
      // Formats without parts tell of text alone.
      last = { choice, kind: "text", name: "", texts: [] };
      parts.set(key, last);
    }
    return last;
  };
  const take = (bytes: number): boolean => {
    left -= bytes;
    if (left >= 0) return true;
    isOver = true;
    parts.clear();
    last = undefined;
    return false;
  };

  return {
    observe(event) {
      if (isOver) return;
      if (event.type === "part-start") {
        const part = openPart(event);
        if (!take(PART_BYTES + part.name.length)) return;
        parts.set(event.choice * CHOICE + event.part, part);
        lastKey = -1;
      } else if (event.type === "part-delta" && event.text !== "") {
        const part = find(event.choice, event.part);
        if (!take(PIECE_BYTES + event.text.length)) return;
        part.texts.push(event.text);
        if (++loose < MOST_LOOSE) return;
        part.texts.push(part.texts.splice(-loose).join(""));
        loose = 0;
      }
    },
    parts: () => (isOver ? null : [...parts.values()]),
  };
}

/** What a part and a piece cost besides their text. */
const PART_BYTES = 100;
const PIECE_BYTES = 16;
/** So many pieces become one: a token's text takes a tenth of what the string that holds it takes, and hundreds of streams are open for minutes. */
const MOST_LOOSE = 32;

type Start = Extract<Event, { type: "part-start" }>;

function openPart({ choice, kind }: Start): HeardPart {
  if (typeof kind === "string") {
    return { choice, kind: kind === "reasoning" ? "reasoning" : "text", name: "", texts: [] };
  }
  if ("media" in kind) return { choice, kind: "media", name: "", texts: [] };
  return { choice, kind: "tool-call", name: kind.toolCall.name, texts: [] };
}
