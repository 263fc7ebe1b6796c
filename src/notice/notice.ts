// What is told, and what a channel needs of the world to tell it. Knows no channel.

import type { Log } from "../telemetry/log.ts";

/** Something that an operator asked to be told about. Holds no secret. */
export interface Notice {
  /** One line. */
  subject: string;
  /** For people: some lines. */
  text: string;
  /** For programs, the same in full; must be plain JSON. */
  data: Readonly<Record<string, unknown>>;
  level: "info" | "warn";
}

/** How e-mail leaves the machine. */
export interface Smtp {
  host: string;
  port: number;
  /** Null: the server wants no sign-in. */
  username: string | null;
  password: string | null;
  from: string;
  /**
   * `tls` from the first byte; `starttls` or not at all; `none`; `auto` is tls on port 465, else starttls, which is demanded
   * where a password would be sent, and taken where it is offered otherwise.
   */
  security: "auto" | "none" | "starttls" | "tls";
}

export interface World {
  fetch: (url: string, init: RequestInit) => Promise<Response>;
  /** Null: there is no mail server, and each mail fails with a sentence that says so. */
  smtp: Smtp | null;
  log: Log;
}

/** Sends one notice to one target. Rejects where it cannot be said to have arrived; messages hold no secret. */
export type Send<T> = (target: T, notice: Notice, world: World) => Promise<void>;

/** How long one try may take. */
export const TRY_MS = 15_000;
