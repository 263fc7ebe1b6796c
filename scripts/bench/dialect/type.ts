// What a format of the bench says of itself: how it is asked, and what a provider that speaks it answers. Knows no particular one.

export interface Question {
  model: string;
  /** Of the body, about. */
  bytes: number;
  stream: boolean;
}

/** A streamed answer: what comes first, a piece that is repeated, and the end. Each piece holds a blank stamp in its text. */
export interface Frames {
  start: string;
  piece: string;
  end: string;
}

export interface Dialect {
  path(question: Question): string;
  /** Where the provider's base URL ends in front of that path. */
  base: string;
  headers(key: string): Readonly<Record<string, string>>;
  request(question: Question): object;
  /** `bytes`: of the text in it. */
  answer(model: string, bytes: number): object;
  /** Null where the format does not stream. */
  frames: ((model: string, pieces: number) => Frames) | null;
}

/** English, so that whoever counts tokens finds the usual kind. */
export function makeText(bytes: number): string {
  const sentence = "The gateway forwards what it is given and writes down what it cost. ";
  return sentence.repeat(Math.ceil(bytes / sentence.length)).slice(0, bytes);
}

export function frame(data: object | string, event?: string): string {
  const text = typeof data === "string" ? data : JSON.stringify(data);
  return `${event === undefined ? "" : `event: ${event}\n`}data: ${text}\n\n`;
}

/** Tokens as a provider would say them for so much text. */
export function countTokens(bytes: number): number {
  return Math.max(1, Math.ceil(bytes / 4));
}
