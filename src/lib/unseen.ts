// Characters that nobody sees and that make one text look like another: controls, marks that turn the direction of writing, fillers, tags. Knows no field.

/** Blank, though not ignorable by its class: the pattern of no dots. */
const BLANK_BRAILLE = "\\u2800";
const UNSEEN = new RegExp(
  `[\\p{Cc}\\p{Cs}\\p{Cf}\\p{Zl}\\p{Zp}\\p{Default_Ignorable_Code_Point}${BLANK_BRAILLE}]`,
  "gu",
);

/** Scripts that are not written rightly without joiners. */
const JOINING =
  "[\\p{Script=Arabic}\\p{Script=Syriac}\\p{Script=Devanagari}\\p{Script=Bengali}\\p{Script=Gurmukhi}\\p{Script=Gujarati}\\p{Script=Oriya}\\p{Script=Tamil}\\p{Script=Telugu}\\p{Script=Kannada}\\p{Script=Malayalam}\\p{Script=Sinhala}\\p{Script=Khmer}\\p{Script=Mongolian}]";
/** What has a part in how its neighbours look, where it stands between such: a joiner among letters that join, and in pictures made of several. */
const AT_HOME = new RegExp(
  [
    `(?<=${JOINING}\\p{M}*)[\\u200C\\u200D](?=${JOINING})`,
    "(?<=[\\p{Extended_Pictographic}\\p{Emoji_Modifier}]\\uFE0F?)\\u200D(?=\\p{Extended_Pictographic})",
    "(?<=[\\p{Extended_Pictographic}#*0-9])\\uFE0F",
  ].join("|"),
  "gu",
);
const AT_HOME_HERE = new RegExp(AT_HOME.source, "uy");
const PLAIN = /^[ -~]*$/u;

/** The first such character, as `U+202E`; null where there is none. */
export function findUnseen(text: string): string | null {
  if (PLAIN.test(text)) return null;
  const [found] = text.replace(AT_HOME, "").match(UNSEEN) ?? [];
  return found === undefined ? null : nameCharacter(found);
}

/** In a message, behind "cannot hold". */
export function sayUnseen(name: string): string {
  return `control characters, or others that nobody sees: ${name} is one`;
}

/** The same text with U+FFFD in place of each of them: for eyes, whatever was kept before anybody looked. */
export function showUnseen(text: string): string {
  return PLAIN.test(text) ? text : text.replace(UNSEEN, (found, at: number) => (isAtHome(text, at) ? found : "\uFFFD"));
}

/** Likewise, but where a line ends or a column begins. */
export function showUnseenInLines(text: string): string {
  return text.replaceAll(/[^\n\t]+/gu, (piece) => showUnseen(piece));
}

/** The same text with each of them as JSON writes it, so that JSON says what it said, and one line stays one. */
export function escapeUnseen(text: string): string {
  if (PLAIN.test(text)) return text;
  return text.replace(UNSEEN, (found, at: number) =>
    isAtHome(text, at)
      ? found
      : found.replaceAll(/[^]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`),
  );
}

function isAtHome(text: string, at: number): boolean {
  AT_HOME_HERE.lastIndex = at;
  return AT_HOME_HERE.test(text);
}

function nameCharacter(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0")}`;
}
