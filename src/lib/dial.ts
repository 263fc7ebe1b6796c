// Tries whether a server takes connections, and lets go of the one it gets. Knows nothing of what is spoken over it.

import { connect, isIP } from "node:net";
import { connect as connectTls } from "node:tls";

interface Address {
  hostname: string;
  port: number;
  isTls: boolean;
  /** Whose certificate is asked for, where the host is known by its address. */
  name?: string;
}

/** The kernel gives up by itself at some time; nobody waits as long. */
const LONGEST_MS = 300_000;

/** Resolves once the connection is there, over TLS once both sides agree on how; whose certificate it is, others judge. */
export function dial({ hostname, port, isTls, name: asked = hostname }: Address): Promise<void> {
  return new Promise((resolve, reject) => {
    // An address is no name to be asked for.
    const name = isIP(asked) === 0 ? { servername: asked } : {};
    const socket = isTls
      ? connectTls({ host: hostname, port, ...name, rejectUnauthorized: false })
      : connect({ host: hostname, port });
    const settle = (action: () => void): void => {
      socket.destroy();
      action();
    };
    socket.unref();
    socket.setTimeout(LONGEST_MS);
    socket.once(isTls ? "secureConnect" : "connect", () => settle(resolve));
    socket.once("timeout", () => settle(() => reject(new Error("nobody answered"))));
    socket.once("error", (error) => settle(() => reject(error)));
  });
}

const PROXY_VARIABLES = ["all_proxy", "http_proxy", "https_proxy"];

/** Whether calls may go through another server, which connects in our place. */
export function usesProxy(environment: Readonly<Record<string, string | undefined>>): boolean {
  return PROXY_VARIABLES.some((name) => (environment[name] ?? environment[name.toUpperCase()] ?? "") !== "");
}
