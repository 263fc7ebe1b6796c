// A rough count of tokens for answers that were cut off or whose provider reports none. Always booked as `estimate`, never as fact.

export interface TokenEstimate {
  add(text: string): void;
  tokens(): number;
}

/** From here on a character is wide: CJK, kana, hangul, emoji. */
const FIRST_WIDE = 0x2e80;

/** About four Latin characters a token, one for each wider character. At least 1 for any text. */
export function createTokenEstimate(): TokenEstimate {
  return new Estimate();
}

class Estimate implements TokenEstimate {
  #narrow = 0;
  #wide = 0;

  add(text: string): void {
    let wide = 0;
    for (let index = 0; index < text.length; index++) if (text.charCodeAt(index) >= FIRST_WIDE) wide++;
    this.#wide += wide;
    this.#narrow += text.length - wide;
  }

  tokens(): number {
    return Math.ceil(this.#narrow / 4) + this.#wide;
  }
}
