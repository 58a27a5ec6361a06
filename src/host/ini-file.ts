/** Sections by name, and in each its values by key, in lower case. */
export type IniFile = ReadonlyMap<string, ReadonlyMap<string, string>>;

/**
 * Reads what Python's ConfigParser reads, whose files these are: `=` or `:` after a key, and no comments
 * behind a value, so that a password may hold `#` and `;` (the INI libraries of Node cut it off there).
 */
export function parseIni(text: string): IniFile {
  const sections = new Map<string, Map<string, string>>();
  let section: Map<string, string> | undefined;
  for (const line of text.split(/\r?\n/)) {
    const name = /^\[(.*)\]\s*$/.exec(line)?.[1];
    if (name !== undefined) {
      section = sections.get(name) ?? new Map();
      sections.set(name, section);
    }
    const [, key, value] = /^\s*([^#;[=:\s][^=:]*?)\s*[=:]\s*(.*?)\s*$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) section?.set(key.toLowerCase(), value);
  }
  return sections;
}

/** One section, empty where there is none, in which ConfigParser takes `%%` for `%`. */
export function parseIniSection(text: string, name: string): ReadonlyMap<string, string> {
  const section = parseIni(text).get(name) ?? new Map<string, string>();
  return new Map([...section].map(([key, value]) => [key, value.replaceAll('%%', '%')]));
}
