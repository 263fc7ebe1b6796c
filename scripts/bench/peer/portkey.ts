// Portkey's gateway, on Node as its makers run it, or on Bun, where streams do not fail as they do on Node 20. It keeps no books and asks for no key; whom to call, and where, stands in each request's headers:
// https://github.com/Portkey-AI/gateway

import { join } from "node:path";
import type { DialectId } from "../dialect/index.ts";
import { installDebian, installNpm } from "../run/install.ts";
import { findFreePort, launch } from "./launch.ts";
import { pin } from "../run/core.ts";
import type { Peer, Place, RunningPeer } from "./type.ts";

const PACKAGE = "@portkey-ai/gateway";
const VERSION = "1.15.2";

/** What it calls the providers. Where their base URL ends it knows for itself. */
const PROVIDERS = {
  "anthropic-messages": { provider: "anthropic", base: "/v1" },
  gemini: { provider: "google", base: "/v1beta" },
  "openai-agent": { provider: "openai", base: "/v1" },
  "openai-chat": { provider: "openai", base: "/v1" },
  "openai-embeddings": { provider: "openai", base: "/v1" },
  "openai-responses": { provider: "openai", base: "/v1" },
} as const satisfies Record<DialectId, { provider: string; base: string }>;

export function makePortkey(runtime: "bun" | "node"): Peer {
  return {
    about: `${PACKAGE} on ${runtime === "node" ? "Node" : "Bun"}`,
    async install() {
      await installNpm(PACKAGE, VERSION);
      if (runtime === "node" && Bun.which("node") === null) await installDebian("nodejs", "node");
    },
    takes: ({ upstream }) => upstream !== "loopback",
    start: (place) => start(place, runtime === "node" ? ["node"] : [process.execPath, "--bun"]),
  };
}

async function start({ folder, upstreamPort, cores }: Place, runtime: readonly string[]): Promise<RunningPeer> {
  const port = findFreePort();
  const program = join(await installNpm(PACKAGE, VERSION), "build/start-server.js");
  const address = ({ upstream }: { upstream: DialectId }) => {
    const { provider, base } = PROVIDERS[upstream];
    const headers = {
      "x-portkey-provider": provider,
      "x-portkey-custom-host": `http://127.0.0.1:${upstreamPort}${base}`,
      // It passes on what it finds here, whatever the format of the provider.
      authorization: "Bearer bench",
    };
    return { hostname: "127.0.0.1", port, headers };
  };
  const launched = await launch({
    command: pin(cores, "gateway", [...runtime, program, `--port=${port}`, "--headless"]),
    cwd: folder,
    env: { NODE_ENV: "production", TRUSTED_CUSTOM_HOSTS: "127.0.0.1,localhost" },
    address: address({ upstream: "openai-chat" }),
  });
  return { ...launched, version: VERSION, address, countRows: null };
}
