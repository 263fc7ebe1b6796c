// The runtime's fetch, held to addresses that somebody has judged: it connects to one of these and to nothing that the name may mean by then, and asks for
// the name's own certificate. Knows nothing of who judges.

interface Held {
  /** Missing: wherever the name leads. */
  addresses?: readonly string[];
  headers: Record<string, string>;
  body?: unknown;
}

type RuntimeFetch<Init> = (url: string, init: Init) => Promise<Response>;

/** The same calls; those that say addresses go there, to the next where nobody is at one. */
export function holdFetch<Init extends Held>(
  fetch: RuntimeFetch<Init & { tls?: { serverName: string } }>,
): RuntimeFetch<Init> {
  return (url, init) => (init.addresses === undefined ? fetch(url, init) : callAt(url, init, fetch));
}

async function callAt<Init extends Held>(
  url: string,
  init: Init,
  fetch: RuntimeFetch<Init & { tls: { serverName: string } }>,
): Promise<Response> {
  let failure: unknown = new Error(`${new URL(url).hostname} has no address`);
  for (const address of init.addresses ?? []) {
    const held = holdTo(address, url, init.headers);
    try {
      return await fetch(held.url, { ...init, headers: held.headers, tls: held.tls });
    } catch (error) {
      failure = error;
      // What was sent is not sent twice, and a stream cannot be.
      if (!isUnreached(error) || init.body instanceof ReadableStream) break;
    }
  }
  throw failure;
}

/** The same call at the address, in the name of its host. */
export function holdTo(
  address: string,
  url: string,
  headers: Readonly<Record<string, string>>,
): { url: string; headers: Record<string, string>; tls: { serverName: string } } {
  const { host, hostname } = new URL(url);
  const at = new URL(url);
  at.hostname = address.includes(":") ? `[${address}]` : address;
  return { url: at.href, headers: { ...headers, host }, tls: { serverName: hostname } };
}

/** As the runtime calls it where no connection came about. */
const UNREACHED = new Set(["ConnectionRefused", "ECONNREFUSED", "EHOSTUNREACH", "ENETUNREACH", "FailedToOpenSocket"]);

function isUnreached(error: unknown): boolean {
  return error instanceof Error && "code" in error && typeof error.code === "string" && UNREACHED.has(error.code);
}
