// Decimals of any length as whole numbers of a small unit, without floating point on the way. Knows no currency.

const DECIMAL =
  /^(?<sign>[+-]?)\$?(?<whole>\d+|[1-9]\d{0,2}(?:,\d{3})+)?(?:\.(?<fraction>\d*))?(?:[eE](?<power>[+-]?\d{1,3}))?$/u;

/** More is no figure that anybody means, and would be a way to fill the memory. */
const MAX_DIGITS = 60;

/**
 * The number times 10 to the power of `digits`, rounded to the nearest, halves away from zero: dollars with 9 are nano-dollars. Takes a
 * sign, a dollar sign, commas between thousands, and an exponent. Null where the text is none of this.
 */
export function parseDecimal(text: string, digits: number): bigint | null {
  const found = DECIMAL.exec(text.trim())?.groups;
  if (found === undefined) return null;
  const whole = (found["whole"] ?? "").replaceAll(",", "");
  const fraction = found["fraction"] ?? "";
  if (whole + fraction === "") return null;
  const shift = Number(found["power"] ?? 0) + digits - fraction.length;
  if (whole.length + fraction.length + Math.max(shift, 0) > MAX_DIGITS) return null;
  const units = scale(BigInt(whole + fraction), shift);
  return found["sign"] === "-" ? -units : units;
}

/** `count` times 10 to the power of `shift`; not negative. */
function scale(count: bigint, shift: number): bigint {
  if (shift >= 0) return count * 10n ** BigInt(shift);
  const divisor = 10n ** BigInt(-shift);
  return (count + divisor / 2n) / divisor;
}
