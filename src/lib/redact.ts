// Takes secrets out of text before it leaves the process. Works at the sink, on the values themselves, so that no call site can forget.

export type Redact = (text: string) => string;

const MASK = "[redacted]";

/** Our own tokens; bearer and key headers; vendors' key forms, whole or half masked (`sk-ab***yz`); passwords in addresses. */
const FORMS: readonly RegExp[] = [
  /\btok_[\w-]{20,}/gu,
  /\b(?:sk|pk|rk|gsk|xai)[-_][\w*.-]{8,}/gu,
  /\bAIza[\w*-]{30,}/gu,
  /(?<=\bBearer )[\w.~+/=-]{8,}/giu,
  /(?<=:\/\/[^\s:/@]*:)[^\s@/]+(?=@)/gu,
];

/** `secrets` are the values in effect; those under 6 characters are left alone, as masking them would tear ordinary words. */
export function createRedactor(secrets: readonly string[]): Redact {
  const known = secrets
    .filter((secret) => secret.length >= 6)
    .flatMap((secret) => [...new Set([secret, JSON.stringify(secret).slice(1, -1), encodeURIComponent(secret)])])
    .sort((left, right) => right.length - left.length);
  return (text) => {
    let clean = text;
    for (const secret of known) clean = clean.replaceAll(secret, MASK);
    for (const form of FORMS) clean = clean.replace(form, MASK);
    return clean;
  };
}

/** Whole keys, ours and the vendors', told from names that only begin like them. */
const WHOLE =
  /(?<![\w-])(?:tok_[\w-]{20,}|(?:sk|pk|rk|gsk)[-_][\w-]*[A-Za-z\d]{16,}|xai-[A-Za-z\d]{20,}|AIza[\w-]{30,})/u;

/** Whether there is what looks like a key where a name belongs. */
export function holdsKey(name: string): boolean {
  return WHOLE.test(name);
}
