// A line between two processes of one gateway: each calls what the other offers, by name. Answers come back in any order. Knows no word that is said.

import { type Fault, decodeFault, encodeFault } from "./fault.ts";

/** What one side offers: functions by name, of whatever arguments. */
export type Offer = Record<string, (...given: never[]) => unknown>;

export interface Line<Theirs extends Offer> {
  /** Nobody waits for it. */
  tell<Name extends keyof Theirs & string>(name: Name, ...given: Parameters<Theirs[Name]>): void;
  /** Rejects with what the other side threw, and once the line is cut. */
  ask<Name extends keyof Theirs & string>(
    name: Name,
    ...given: Parameters<Theirs[Name]>
  ): Promise<Awaited<ReturnType<Theirs[Name]>>>;
  /** What the other side sent. */
  hear(messages: unknown): void;
  /** It is over: whoever waits is told. */
  cut(): void;
}

type Message =
  | { kind: "answer"; id: number; value: unknown }
  | { kind: "ask"; id: number; name: string; given: unknown[] }
  | { kind: "fault"; id: number; fault: Fault }
  | { kind: "tell"; name: string; given: unknown[] };

interface LineInit {
  send: (message: unknown) => void;
  offer: Offer;
  /** A word that nobody waits for could not be obeyed. */
  onFault: (error: unknown) => void;
}

export function openLine<Theirs extends Offer>({ send, offer, onFault }: LineInit): Line<Theirs> {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>();
  let last = 0;
  let isCut = false;
  /** What a turn of the loop brings goes out as one: to send something costs far more than what is in it. */
  let outgoing: Message[] = [];
  const flush = (): void => {
    const messages = outgoing;
    outgoing = [];
    if (!isCut) send(messages);
  };
  const post = (message: Message): void => {
    if (isCut) return;
    if (outgoing.push(message) === 1) setImmediate(flush);
  };

  const obey = async (id: number | null, name: string, given: readonly unknown[]): Promise<void> => {
    try {
      const work = Object.hasOwn(offer, name) ? offer[name] : undefined;
      if (work === undefined) throw new Error(`There is no "${name}" at this end of the line.`);
      // Both ends are of one program: what is given is what `Line` lets through.
      const value: unknown = await work(...(given as never[]));
      if (id !== null) post({ kind: "answer", id, value });
    } catch (error) {
      if (id === null) onFault(error);
      else post({ kind: "fault", id, fault: encodeFault(error) });
    }
  };

  const take = (id: number): PromiseWithResolvers<unknown> | undefined => {
    const asked = waiting.get(id);
    waiting.delete(id);
    return asked;
  };

  const hear = (said: Message): void => {
    switch (said.kind) {
      case "answer":
        return take(said.id)?.resolve(said.value);
      case "fault":
        return take(said.id)?.reject(decodeFault(said.fault));
      case "ask":
        return void obey(said.id, said.name, said.given);
      case "tell":
        return void obey(null, said.name, said.given);
      default:
        return said satisfies never;
    }
  };

  return {
    tell: (name, ...given) => post({ kind: "tell", name, given }),
    ask(name, ...given) {
      const asked = Promise.withResolvers<unknown>();
      if (isCut) asked.reject(cutOff());
      else {
        waiting.set(++last, asked);
        post({ kind: "ask", id: last, name, given });
      }
      return asked.promise as never;
    },
    hear(messages) {
      for (const said of messages as Message[]) hear(said);
    },
    cut() {
      isCut = true;
      for (const { reject } of waiting.values()) reject(cutOff());
      waiting.clear();
    },
  };
}

function cutOff(): Error {
  return new Error("The other process of this gateway is gone.");
}
