/** One package as pip is asked for it (PEP 508), in the words of Python's `packaging`. */
export interface PackageRequirement {
  /** As written; `normalizePackageName` tells which are the same package. */
  readonly name: string;
  readonly extras: readonly string[];
  /** Each an operator and a version. */
  readonly specifiers: readonly string[];
  readonly url: string | undefined;
  /** Normalized; undefined where it counts everywhere. */
  readonly marker: string | undefined;
}

const NAME = /^[a-z0-9](?:[a-z0-9._-]*[a-z0-9])?/i;
const SPECIFIER =
  /^(?:===\s*[^\s;)]+|~=\s*v?(?:\d+!)?\d+(?:\.\d+)+[a-z0-9._-]*|(?:==|!=)\s*v?(?:\d+!)?\d[a-z0-9_-]*(?:\.[a-z0-9_-]+)*(?:\.\*|\+[a-z0-9]+(?:[._-][a-z0-9]+)*)?|(?:<=|>=|<|>)\s*v?(?:\d+!)?\d[a-z0-9._-]*)/i;

/** Undefined for what is no package: options (`-r file`), paths, and what is written wrongly. */
export function parseRequirement(text: string): PackageRequirement | undefined {
  const scanner = new Scanner(text);
  const name = scanner.take(NAME);
  if (name === undefined) return undefined;
  const extras = readExtras(scanner);
  const details = extras === undefined ? undefined : readDetails(scanner);
  if (extras === undefined || details === undefined) return undefined;
  const hasMarker = scanner.take(/^;/) !== undefined;
  const marker = hasMarker ? readMarker(scanner) : undefined;
  if ((hasMarker && marker === undefined) || !scanner.isAtEnd) return undefined;
  return {
    name,
    extras,
    ...details,
    marker: marker === undefined ? undefined : formatMarker(marker, true),
  };
}

/** As Python's `str(Requirement(...))`. */
export function formatRequirement(requirement: PackageRequirement): string {
  const { name, extras, specifiers, url, marker } = requirement;
  const shownExtras = extras.length === 0 ? '' : `[${[...extras].sort().join(',')}]`;
  const shownUrl = url === undefined ? '' : ` @ ${url}${marker === undefined ? '' : ' '}`;
  const shownMarker = marker === undefined ? '' : `; ${marker}`;
  return `${name}${shownExtras}${[...specifiers].sort().join(',')}${shownUrl}${shownMarker}`;
}

/** Reads a text from left to right; spaces between its parts do not count. */
class Scanner {
  #rest: string;

  constructor(text: string) {
    this.#rest = text.trim();
  }

  get isAtEnd(): boolean {
    return this.#rest === '';
  }

  take(pattern: RegExp): string | undefined {
    const [found] = pattern.exec(this.#rest) ?? [];
    if (found !== undefined) this.#rest = this.#rest.slice(found.length).trimStart();
    return found;
  }
}

function readExtras(scanner: Scanner): readonly string[] | undefined {
  const extras = new Set<string>();
  if (scanner.take(/^\[/) === undefined) return [];
  while (scanner.take(/^\]/) === undefined) {
    const extra = scanner.take(NAME);
    if (extra === undefined) return undefined;
    extras.add(extra);
    if (scanner.take(/^,(?!\s*\])/) === undefined && scanner.take(/^(?=\])/) === undefined) {
      return undefined;
    }
  }
  return [...extras];
}

function readDetails(scanner: Scanner): Pick<PackageRequirement, 'url' | 'specifiers'> | undefined {
  if (scanner.take(/^@/) !== undefined) {
    const url = scanner.take(/^\S+/);
    return url === undefined ? undefined : { url, specifiers: [] };
  }
  const isInBrackets = scanner.take(/^\(/) !== undefined;
  const specifiers = new Set<string>();
  for (let found = scanner.take(SPECIFIER); found !== undefined; found = scanner.take(SPECIFIER)) {
    specifiers.add(found.replace(/\s+/g, ''));
    if (scanner.take(/^,/) === undefined) break;
  }
  if (isInBrackets && scanner.take(/^\)/) === undefined) return undefined;
  return { url: undefined, specifiers: [...specifiers] };
}

const VARIABLE =
  /^(?:python_version|python_full_version|os[._]name|sys[._]platform|platform_release|platform_system|platform[._](?:version|machine|python_implementation)|python_implementation|implementation_name|implementation_version|extras?|dependency_groups)\b/;
const OPERATOR = /^(?:===|==|~=|!=|<=|>=|<|>|in\b|not\s+in\b)/;

/** A comparison or `and`, `or`; a list stands for brackets. */
type Marker = string | readonly Marker[];

function readMarker(scanner: Scanner): readonly Marker[] | undefined {
  const parts: Marker[] = [];
  for (;;) {
    const atom = readAtom(scanner);
    if (atom === undefined) return undefined;
    parts.push(atom);
    const joint = scanner.take(/^(?:and|or)\b/);
    if (joint === undefined) return parts;
    parts.push(joint);
  }
}

function readAtom(scanner: Scanner): Marker | undefined {
  if (scanner.take(/^\(/) !== undefined) {
    const inner = readMarker(scanner);
    return scanner.take(/^\)/) === undefined ? undefined : inner;
  }
  const left = readOperand(scanner);
  const operator = scanner.take(OPERATOR)?.replace(/\s+/g, ' ');
  const right = readOperand(scanner);
  if (left === undefined || operator === undefined || right === undefined) return undefined;
  return `${left} ${operator} ${right}`;
}

/** Brackets around one part say nothing. */
function formatMarker(marker: Marker, isOutermost: boolean): string {
  if (typeof marker === 'string') return marker;
  const [only, ...others] = marker;
  if (only !== undefined && others.length === 0) return formatMarker(only, isOutermost);
  const joined = marker.map((part) => formatMarker(part, false)).join(' ');
  return isOutermost ? joined : `(${joined})`;
}

function readOperand(scanner: Scanner): string | undefined {
  const variable = scanner.take(VARIABLE)?.replaceAll('.', '_');
  if (variable !== undefined) {
    return variable === 'python_implementation' ? 'platform_python_implementation' : variable;
  }
  const value = scanner.take(/^(?:'[^']*'|"[^"]*")/)?.slice(1, -1);
  if (value === undefined) return undefined;
  return value.includes('"') ? `'${value}'` : `"${value}"`;
}
