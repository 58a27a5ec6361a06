const ESCAPES: Readonly<Record<string, string>> = {
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

/** `repr` of a str: single quotes unless it holds some and no double ones; unprintables escaped. */
export function quotePythonString(text: string): string {
  const quote = text.includes("'") && !text.includes('"') ? '"' : "'";
  const escaped = text.replace(/[\\'"]|[\p{C}\p{Z}]/gu, (character) => {
    if (character === ' ') return character;
    if (character === quote) return `\\${character}`;
    if (character === "'" || character === '"') return character;
    return ESCAPES[character] ?? escapeCodePoint(character.codePointAt(0) ?? 0);
  });
  return `${quote}${escaped}${quote}`;
}

/** `\x85`, `\u2028`, `\U000e0001`. */
function escapeCodePoint(codePoint: number): string {
  const hex = codePoint.toString(16);
  if (codePoint < 0x100) return `\\x${hex.padStart(2, '0')}`;
  return codePoint < 0x10000 ? `\\u${hex.padStart(4, '0')}` : `\\U${hex.padStart(8, '0')}`;
}
