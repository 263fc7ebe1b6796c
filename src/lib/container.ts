// Whether this process runs in a container: what comes from its own loopback may then come from anywhere, by a forwarded port or from beside it. By what
// those that start containers leave behind. Knows no use of it.

import { existsSync } from "node:fs";

/** Docker; Podman; what systemd writes where a manager of containers started it (LXC, nspawn). */
const FILES = ["/.dockerenv", "/run/.containerenv", "/run/systemd/container"] as const;
/** Kubernetes, whatever it runs pods with; Podman, LXC and nspawn, by https://systemd.io/CONTAINER_INTERFACE/. */
const VARIABLES = ["KUBERNETES_SERVICE_HOST", "container"] as const;

export function isInContainer(env: Readonly<Record<string, string | undefined>>, exists = existsSync): boolean {
  return FILES.some((path) => exists(path)) || VARIABLES.some((name) => (env[name] ?? "") !== "");
}
