// The server's certificate and its key: both are there, can be read, and belong together. Knows no server.

import type { Values } from "./key.ts";
import { describeBadValue, quote } from "./problem.ts";
import type { Reading } from "./read.ts";

/** Answers the hash of the certificate's file; null where there is none. */
export function checkTls(reading: Reading, values: Values): string | null {
  const names = ["tls_cert", "tls_key"] as const;
  for (const [index, name] of names.entries()) {
    const other = names[1 - index] ?? name;
    const path = values[name];
    const origin = reading.gathered.settings.get(name)?.origin;
    if (path === null || origin === undefined) continue;
    // What is renewed is served at the next start: the log says so.
    reading.files.add(path);
    const refuse = (message: string) => reading.gathered.problems.push(describeBadValue(origin, name, message));
    if (values[other] === null) refuse(`${other} is needed too`);
    if (!exists(reading, path)) refuse(`${quote(path)} does not exist, or may not be read`);
  }
  const { tls_cert: cert, tls_key: key } = values;
  if (cert === null || key === null || !exists(reading, cert) || !exists(reading, key)) return null;
  checkPair(reading, cert, key);
  return new Bun.CryptoHasher("sha256").update(reading.disk.readFile(cert) ?? "").digest("hex");
}

/** What the server would refuse only when it listens, and without naming a file. */
function checkPair(reading: Reading, certPath: string, keyPath: string): void {
  // Loaded here and not above, as every start would pay for it.
  const { X509Certificate, createPrivateKey } = process.getBuiltinModule("node:crypto");
  const read = <T>(name: "tls_cert" | "tls_key", path: string, parse: (text: Buffer) => T, what: string): T | null => {
    try {
      const bytes = reading.disk.readFile(path);
      return bytes === null ? null : parse(Buffer.from(bytes));
    } catch {
      refuse(name, `${quote(path)} is no ${what}`);
      return null;
    }
  };
  const refuse = (name: "tls_cert" | "tls_key", message: string): void => {
    const origin = reading.gathered.settings.get(name)?.origin;
    if (origin !== undefined) reading.gathered.problems.push(describeBadValue(origin, name, message));
  };
  const certificate = read("tls_cert", certPath, (text) => new X509Certificate(text), "PEM certificate");
  const key = read("tls_key", keyPath, createPrivateKey, "PEM private key without a passphrase");
  if (certificate !== null && key !== null && !certificate.checkPrivateKey(key)) {
    refuse("tls_key", `${quote(keyPath)} does not belong to the certificate in ${quote(certPath)}`);
  }
}

function exists(reading: Reading, path: string): boolean {
  try {
    return reading.disk.readFile(path) !== null;
  } catch {
    return false;
  }
}
