// Where people reach the gateway, as far as its configuration says. Never asks a request: whoever sends one writes its Host header.

import type { Config } from "./value.ts";

/** Without a trailing slash: as the operator says, else on this machine. */
export function findAddress({ http, signIn }: Pick<Config, "http" | "signIn">): string {
  if (signIn.publicUrl !== null) return signIn.publicUrl;
  const { hostname, port, tlsCert } = http;
  const host = hostname === null || hostname === "0.0.0.0" || hostname === "::" ? "127.0.0.1" : hostname;
  return `${tlsCert === null ? "http" : "https"}://${host.includes(":") ? `[${host}]` : host}:${port}`;
}
