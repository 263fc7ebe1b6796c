// Money as text: nano-dollars in, exact decimals out. No floating point on the way.

/** Billionths of a US dollar as a plain decimal: 1500 → "0.0000015", 2_000_000_000 → "2". */
export function formatUsd(nanos: bigint | number): string {
  const digits = (nanos < 0 ? -nanos : nanos).toString().padStart(10, "0");
  const fraction = digits.slice(-9).replace(/0+$/u, "");
  const whole = digits.slice(0, -9);
  return `${nanos < 0 ? "-" : ""}${whole}${fraction === "" ? "" : `.${fraction}`}`;
}
