// Bun lets only 256 requests of a process wait for response headers at a time, over all hosts: a provider that hangs would hold up the others.
// The limit is read from the real environment when a process starts, so the daemon starts itself anew with a higher one.

const VARIABLE = "BUN_CONFIG_MAX_HTTP_REQUESTS";
const LIMIT = "16384";

/** Does not return where the process is replaced; on Windows, which cannot, it returns the exit code of a child. Null: the limit is in force. */
export async function raiseFetchLimit(): Promise<number | null> {
  if (process.env[VARIABLE] !== undefined) return null;
  const env = { ...process.env, [VARIABLE]: LIMIT };
  const args = listOwnWords();
  if (process.platform === "win32" || process.execve === undefined) return runChild([process.execPath, ...args], env);
  // The name we were called by decides what we are, so it must survive.
  process.execve(process.execPath, [process.argv0, ...args], env);
  return null;
}

/** What starts this program again as it was called, behind `process.execPath`. */
export function listOwnWords(): string[] {
  return isCompiled() ? process.argv.slice(2) : [...process.execArgv, ...process.argv.slice(1)];
}

function isCompiled(): boolean {
  return /^(?:\/\$bunfs\/|[A-Za-z]:[\\/]~BUN[\\/])/u.test(Bun.main);
}

async function runChild(command: string[], env: Record<string, string | undefined>): Promise<number> {
  const child = Bun.spawn(command, { env, stdio: ["inherit", "inherit", "inherit"], argv0: process.argv0 });
  const forward = (signal: NodeJS.Signals): void => child.kill(signal);
  process.on("SIGINT", forward);
  process.on("SIGTERM", forward);
  return child.exited;
}
