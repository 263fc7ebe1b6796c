// What is wrong with the certificate that another side shows, by the runtime's word for it. Knows nothing of who is asked.

interface Doubt {
  /** The end of a sentence that begins with who shows it. */
  fault: string;
  remedy: string;
}

export const OWN_AUTHORITY =
  "Where the certificate's authority is your own, name it in NODE_EXTRA_CA_CERTS=/path/to/ca.pem, and start the gateway anew.";

/** Null where the word says something else. `check`: where the host's name is said. */
export function explainCertificate(code: string, check = "Check its base URL."): Doubt | null {
  if (!/CERT|^UNABLE_TO_/u.test(code)) return null;
  if (/EXPIRED|NOT_YET_VALID/u.test(code)) {
    const remedy = "It is to be renewed there, unless the clock of the gateway's machine is wrong.";
    return { fault: "shows a certificate whose time is not now", remedy };
  }
  if (code.includes("ALTNAME")) return { fault: "shows a certificate of another host", remedy: check };
  return { fault: "shows a certificate that nobody known vouches for", remedy: OWN_AUTHORITY };
}
