// A command line that somebody is typing, as words: what is quoted stays together, and nothing is looked up, expanded or run. Knows no command.

/** The last word is the one that is being typed; empty behind a blank. */
export function splitLine(line: string): string[] {
  const words: string[] = [];
  let word = "";
  let quote = "";
  let isOpen = false;
  for (let at = 0; at < line.length; at++) {
    const letter = line[at] ?? "";
    if (quote !== "") {
      if (letter === quote) quote = "";
      else if (letter === "\\" && quote === '"' && /["\\$`]/u.test(line[at + 1] ?? "")) word += line[++at] ?? "";
      else word += letter;
    } else if (letter === '"' || letter === "'") [quote, isOpen] = [letter, true];
    else if (letter === "\\") word += line[++at] ?? "";
    else if (/\s/u.test(letter)) {
      if (word !== "" || isOpen) words.push(word);
      [word, isOpen] = ["", false];
    } else word += letter;
  }
  return [...words, word];
}
