// Why a Redis cannot be used, found out by asking once more by hand: the client says of everything that the connection was closed. Knows nothing of what lies in
// it.

import { connect } from "node:net";
import { connect as connectTls } from "node:tls";

const PATIENCE_MS = 2_000;
const PORT = 6379;
/** No answer to these questions is longer. */
const MOST = 4_096;

/** Never rejects: what was known stays where no more is found out. Says nothing of the password. */
export async function explainRedis(url: string, cause: unknown): Promise<Error> {
  const known = cause instanceof Error ? cause : new Error(String(cause));
  const target = URL.parse(url);
  const found = target === null ? null : await ask(target);
  return found === null ? known : new Error(found, { cause });
}

const TLS_ALONE = "it ends connections at once: it may take rediss:// (TLS) alone";
const NO_TLS = `it does not answer in TLS within ${PATIENCE_MS / 1000} s: redis_url may have to begin with redis://`;

function ask({ protocol, hostname, port, username, password }: URL): Promise<string | null> {
  const isTls = protocol !== "redis:";
  const host = hostname.replace(/^\[|\]$/gu, "");
  const place = { host, port: port === "" ? PORT : Number(port) };
  const { promise, resolve } = Promise.withResolvers<string | null>();
  const socket = isTls
    ? connectTls({ ...place, ...(/[a-z]/iu.test(host) ? { servername: host } : {}) })
    : connect(place);
  let answer = "";
  let isOpen = false;
  const end = (found: string | null): void => {
    socket.destroy();
    resolve(found);
  };
  socket.setTimeout(PATIENCE_MS, () => end(isTls && !isOpen ? NO_TLS : `no answer within ${PATIENCE_MS / 1000} s`));
  socket.on(isTls ? "secureConnect" : "connect", () => {
    isOpen = true;
    const words = [username, password].filter((word) => word !== "").map(decode);
    socket.write((words.length === 0 ? "" : print(["AUTH", ...words])) + print(["PING"]));
  });
  socket.on("data", (bytes: Buffer) => {
    answer += bytes.toString();
    const refusal = /^-([^\r\n]*)/mu.exec(answer)?.[1];
    if (refusal !== undefined) end(explainRefusal(refusal));
    else if (/^\+PONG/mu.test(answer) || answer.length > MOST) end(null);
  });
  socket.on("error", (error: NodeJS.ErrnoException) => end(explainFault(error, isTls)));
  socket.on("close", () => end(isTls ? null : TLS_ALONE));
  return promise;
}

function print(words: readonly string[]): string {
  return `*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join("")}`;
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/** The word that it begins with, and nothing that could repeat what was sent. */
function explainRefusal(text: string): string {
  const [word = ""] = /^[A-Z]+/u.exec(text) ?? [];
  if (word === "WRONGPASS" || /invalid password/iu.test(text)) return "it refuses the user or password of redis_url";
  if (word === "NOAUTH") return "it wants a password, and redis_url has none";
  if (/without any password configured/iu.test(text)) return "it has no password, and redis_url has one";
  return `it refuses to answer (${word === "" ? "no reason that can be shown" : word})`;
}

function explainFault({ code = "no code", message }: NodeJS.ErrnoException, isTls: boolean): string {
  if (code === "ECONNREFUSED") return "nobody listens there (ECONNREFUSED)";
  if (code === "ENOTFOUND" || code === "EAI_AGAIN") return `nobody knows the host's address (${code})`;
  if (!isTls) return code === "ECONNRESET" ? TLS_ALONE : `it cannot be reached (${code})`;
  if (/CERT|SELF_SIGNED|ALTNAME|VERIFY/u.test(code)) {
    return `its certificate cannot be checked (${code}): where the authority is your own, name it in NODE_EXTRA_CA_CERTS`;
  }
  return /wrong version number|packet length|ECONNRESET/iu.test(`${code} ${message}`)
    ? NO_TLS
    : `it cannot be reached by TLS (${code})`;
}
