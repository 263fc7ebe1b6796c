// Exact arithmetic for money: decimals as fractions of integers, so that no rate ever drifts. Knows no currency.

export interface Fraction {
  readonly top: bigint;
  /** Above zero. */
  readonly bottom: bigint;
}

export const ONE: Fraction = { top: 1n, bottom: 1n };

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d*))?(?:[eE]([+-]?\d{1,3}))?$/u;

/** More is no figure that anybody means, and would be a way to keep the process busy for hours. */
const MAX_LENGTH = 2_000;

/** `0.075`, `3`, `1e-7`, or a quotient such as `20/11`; of a number, its shortest decimal. Null for what is no such thing. */
export function parseFraction(value: number | string): Fraction | null {
  const text = String(value).trim();
  if (text.length > MAX_LENGTH) return null;
  const slash = text.indexOf("/");
  if (slash > 0) {
    const [top, bottom] = [parseFraction(text.slice(0, slash)), parseFraction(text.slice(slash + 1))];
    return top === null || bottom === null || bottom.top <= 0n ? null : divide(top, bottom);
  }
  const found = DECIMAL.exec(text);
  if (found === null) return null;
  const [, sign = "", whole = "", decimals = "", exponent = "0"] = found;
  const digits = BigInt(whole + decimals) * (sign === "-" ? -1n : 1n);
  const shift = Number(exponent) - decimals.length;
  return shift >= 0 ? { top: digits * 10n ** BigInt(shift), bottom: 1n } : reduce(digits, 10n ** BigInt(-shift));
}

export function multiply(left: Fraction, right: Fraction): Fraction {
  return reduce(left.top * right.top, left.bottom * right.bottom);
}

/** `right` is not zero. */
export function divide(left: Fraction, right: Fraction): Fraction {
  const sign = right.top < 0n ? -1n : 1n;
  return reduce(left.top * right.bottom * sign, left.bottom * right.top * sign);
}

export function subtract(left: Fraction, right: Fraction): Fraction {
  return reduce(left.top * right.bottom - right.top * left.bottom, left.bottom * right.bottom);
}

/** The least number that all of them divide. */
export function findLeastMultiple(numbers: readonly bigint[]): bigint {
  return numbers.reduce((common, number) => (common / findDivisor(common, number)) * number, 1n);
}

/** To the nearest whole number, halves up; of nothing below zero. */
export function roundQuotient(top: bigint, bottom: bigint): bigint {
  const rest = top % bottom;
  return (top - rest) / bottom + (rest * 2n >= bottom ? 1n : 0n);
}

/** As a plain decimal, where it has one of at most 18 places; else as a quotient. */
export function printFraction({ top, bottom }: Fraction): string {
  for (let places = 0; places <= 18; places++) {
    const scaled = top * 10n ** BigInt(places);
    if (scaled % bottom !== 0n) continue;
    const digits = (scaled / bottom).toString().padStart(places + 1, "0");
    return places === 0 ? digits : `${digits.slice(0, -places)}.${digits.slice(-places)}`;
  }
  return `${top}/${bottom}`;
}

function reduce(top: bigint, bottom: bigint): Fraction {
  const divisor = findDivisor(top < 0n ? -top : top, bottom);
  return { top: top / divisor, bottom: bottom / divisor };
}

function findDivisor(left: bigint, right: bigint): bigint {
  let [larger, smaller] = [left, right];
  while (smaller !== 0n) [larger, smaller] = [smaller, larger % smaller];
  return larger === 0n ? 1n : larger;
}
