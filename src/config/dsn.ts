// PostgreSQL's connection URLs: what is one, and what of it must not be shown. Knows no key and opens nothing.

/** What stands for a secret wherever one is shown. */
export const MASK = "********";

const PASSWORD_PARAMETER = /([?&](?:ssl)?password=)([^&#]*)/gi;

export function isDsn(text: string): boolean {
  return /^postgres(?:ql)?:\/\//i.test(text);
}

/** Whether it begins as an address does, also a mistyped one: it may hold a password, and is no file's path. A Windows drive is. */
export function isAddressLike(text: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/iu.test(text);
}

/** As libpq has them. The driver would take any other word for the last one. */
const SSL_MODES: readonly string[] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

/** Why drivers cannot take it apart, without any of it; null where they can. Several hosts are allowed, as libpq has them. */
export function faultDsn(dsn: string): string | null {
  const { start, hosts, rest } = split(dsn);
  const mode = /[?&]sslmode=([^&#]*)/u.exec(rest)?.[1];
  if (mode !== undefined && !SSL_MODES.includes(mode)) return `has an sslmode that is none of ${SSL_MODES.join(", ")}`;
  if (/[?&]host=/iu.test(rest) || (hosts === "" && start.includes("@")))
    return "names no host between // and the database: a server is reached by host and port, not by a socket's folder";
  if (hosts.split(",").every((host) => URL.parse(`${start}${host}${rest}`) !== null)) return null;
  return "cannot be read: special characters of a password must be %-encoded";
}

export function maskDsn(dsn: string): string {
  const { start, hosts, rest } = split(dsn);
  const masked = start.replace(/^(\w+:\/\/[^:]*):.*@$/s, `$1:${MASK}@`);
  return `${masked}${hosts}${rest.replace(PASSWORD_PARAMETER, `$1${MASK}`)}`;
}

/** As written and decoded: both may turn up in a driver's message. */
export function listDsnPasswords(dsn: string): string[] {
  const { start, rest } = split(dsn);
  const written = [/^\w+:\/\/[^:]*:(.*)@$/s.exec(start)?.[1] ?? ""];
  for (const found of rest.matchAll(PASSWORD_PARAMETER)) written.push(found[2] ?? "");
  return [...new Set(written.flatMap((password) => [password, decode(password)]))].filter(
    (password) => password !== "",
  );
}

/** `postgres://user:password@`, `host:5432,other:5432`, `/database?and=more`. A password ends at the last `@`. */
function split(dsn: string): { start: string; hosts: string; rest: string } {
  const beforeQuery = dsn.split(/[?#]/, 1)[0] ?? "";
  const at = beforeQuery.lastIndexOf("@");
  const hostsAt = at === -1 ? dsn.indexOf("//") + 2 : at + 1;
  const length = dsn.slice(hostsAt).search(/[/?#]/);
  const restAt = length === -1 ? dsn.length : hostsAt + length;
  return { start: dsn.slice(0, hostsAt), hosts: dsn.slice(hostsAt, restAt), rest: dsn.slice(restAt) };
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}
