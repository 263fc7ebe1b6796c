// How the gateway is reached from outside: public_url, https and its certificate, and whose forwarded headers count.

import { X509Certificate } from "node:crypto";
import { readFileSync } from "node:fs";
import { isIP } from "node:net";
import type { Config } from "../../config/index.ts";
import { type Check, type Finding, describe, failure, note, ok, warning } from "./finding.ts";

export const checkAddress: Check = async ({ config }) => {
  const findings = [...judgeUrl(config), ...judgeCertificate(config), ...judgeProxies(config)];
  return findings.length > 0 ? findings : [ok("public_url", config.signIn.publicUrl ?? "is not set, nor needed")];
};

function isLoopback(hostname: string | null): boolean {
  return /^(?:localhost|127(?:\.\d+){3}|\[?::1\]?)$/iu.test(hostname ?? "");
}

function judgeUrl({ entry, http, oidc, signIn, smtp }: Config): Finding[] {
  const { publicUrl } = signIn;
  const isOpen = !isLoopback(http.hostname);
  if (publicUrl === null) {
    if (smtp !== null || oidc !== null)
      return [
        warning("public_url", {
          found: "is not set, while people get links by e-mail or sign in elsewhere",
          why: "Those links, and the identity provider, lead people to this machine's own address.",
          remedy: "public_url = https://gateway.example.com",
        }),
      ];
    if (entry.trustedProxies.length > 0 && http.tlsCert === null)
      return [
        warning("public_url", {
          found: "is not set, while trusted_proxies names a proxy",
          why: "Where that proxy speaks https, nothing says so here: the cookies of sessions are sent without Secure and __Host-.",
          remedy: "public_url = https://gateway.example.com, the address that people type",
        }),
      ];
    if (isOpen && http.tlsCert === null)
      return [
        note("http_address", {
          found: `listens ${http.hostname === null ? "on all addresses" : `on ${http.hostname}`} without https`,
          why: "Keys and sessions of whoever calls from elsewhere can be read on the way.",
          remedy:
            "For this machine alone: http_address = 127.0.0.1:8081. For others: tls_cert and tls_key, or a proxy that speaks https.",
        }),
      ];
    return [];
  }
  const { protocol, hostname, pathname } = new URL(publicUrl);
  if (pathname !== "/")
    return [
      warning("public_url", {
        found: `${publicUrl} has a path`,
        why: "Programs may call it so, but the page works at the root of a host alone: sign-in links, and the way back from an identity provider, end in an empty page.",
        remedy: "Give the gateway a name of its own: public_url = https://gateway.example.com",
      }),
    ];
  if (protocol === "http:" && !isLoopback(hostname))
    return [
      warning("public_url", {
        found: `${publicUrl} is not https`,
        why: "Keys and sessions can be read on the way, and cookies are sent without Secure.",
        remedy: "Set tls_cert and tls_key, or put a proxy that speaks https in front, and say https:// here.",
      }),
    ];
  return [ok("public_url", publicUrl)];
}

const WEEKS_MS = 21 * 86_400_000;

function judgeCertificate({ http, signIn }: Config): Finding[] {
  if (http.tlsCert === null) return [];
  let certificate: X509Certificate;
  try {
    certificate = new X509Certificate(readFileSync(http.tlsCert));
  } catch (error) {
    const words = { why: "The gateway does not start.", remedy: "Correct tls_cert." };
    return [failure(http.tlsCert, { found: describe(error), ...words })];
  }
  const endsMs = Date.parse(certificate.validTo);
  const found = `${endsMs < Date.now() ? "expired" : "expires"} at ${new Date(endsMs).toISOString()}`;
  const words = {
    found,
    why: "After that, clients refuse to connect.",
    remedy: "Have it renewed, and start the gateway anew.",
  };
  const { publicUrl } = signIn;
  const hostname = publicUrl === null ? null : new URL(publicUrl).hostname;
  const isOther = hostname !== null && !isMadeFor(certificate, hostname);
  return [
    endsMs < Date.now()
      ? failure(http.tlsCert, words)
      : endsMs < Date.now() + WEEKS_MS
        ? warning(http.tlsCert, words)
        : ok(http.tlsCert, found),
    ...(isOther
      ? [
          warning(http.tlsCert, {
            found: `is not made for ${hostname}`,
            why: "Whoever follows public_url straight to the gateway is warned or refused.",
            remedy: "Have it made for that name, or let the proxy in front have one that is.",
          }),
        ]
      : []),
  ];
}

/** Addresses stand apart from names in it. */
function isMadeFor(certificate: X509Certificate, hostname: string): boolean {
  const address = hostname.replace(/^\[|\]$/gu, "");
  return (isIP(address) === 0 ? certificate.checkHost(hostname) : certificate.checkIP(address)) !== undefined;
}

function judgeProxies({ entry, http, signIn }: Config): Finding[] {
  const { trustedProxies } = entry;
  const all = trustedProxies.filter((range) => range.endsWith("/0"));
  if (all.length > 0)
    return [
      failure("trusted_proxies", {
        found: `${all.join(", ")} trusts everybody`,
        why: "Whoever calls writes his own address: limits by address, allowed ranges of keys and the record of changes mean nothing.",
        remedy: "Name the addresses of your proxies alone.",
      }),
    ];
  const isBehind = signIn.publicUrl?.startsWith("https:") === true && http.tlsCert === null;
  if (isBehind && trustedProxies.length === 0)
    return [
      warning("trusted_proxies", {
        found: "is not set, while public_url is https and the gateway itself does not speak it",
        why: "All who come through the proxy count as one address: one who fails too often shuts out everybody.",
        remedy: "trusted_proxies = the address of the proxy, such as 10.0.0.7 or 127.0.0.1",
      }),
    ];
  return [];
}
