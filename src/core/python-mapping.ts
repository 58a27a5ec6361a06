import { isMap, isScalar, isSeq, type Node, parseDocument, visit } from 'yaml';
import { resolvePlainScalar } from './python-scalar.ts';

type Mapping = Readonly<Record<string, unknown>>;

/**
 * A YAML mapping as PyYAML's `safe_load` reads it, in which nobody needs lines or aliases: whole numbers are
 * bigint, so that 1 and 1.0 are told apart, dates stay text. Undefined where the text is no mapping,
 * is broken, or holds aliases.
 */
export function parsePythonMapping(text: string): Mapping | undefined {
  return parseFlatMapping(text) ?? parseAnyMapping(text);
}

/**
 * Nearly all that MLflow writes is flat, and read so many times as fast as by a YAML parser; undefined for
 * all else, which that parser reads.
 */
function parseFlatMapping(text: string): Mapping | undefined {
  const meta: Record<string, unknown> = {};
  for (const line of text.split('\n')) {
    if (line === '') continue;
    const [, key, scalar = ''] = /^(\w+):(?: (.*))?$/.exec(line) ?? [];
    const value = key === undefined ? undefined : parseScalar(scalar);
    if (key === undefined || value === undefined) return undefined;
    meta[key] = value;
  }
  return text === '' ? undefined : meta;
}

/** Text between single quotes, whole numbers, nothing, and words that no YAML takes for something else. */
function parseScalar(scalar: string): unknown {
  if (scalar === '' || scalar === 'null') return null;
  if (/^(?:0|[1-9]\d*)$/.test(scalar)) return BigInt(scalar);
  if (/^'(?:[^']|'')*'$/.test(scalar)) return scalar.slice(1, -1).replaceAll("''", "'");
  if (scalar === '[]') return [];
  const isWord = /^(?:[A-Za-z/][\w./:-]*[\w/]|[A-Za-z]|[0-9a-f]{32})$/.test(scalar);
  return isWord && !/^(?:yes|no|on|off|true|false|null)$/i.test(scalar) ? scalar : undefined;
}

function parseAnyMapping(text: string): Mapping | undefined {
  // Failsafe: every scalar stays text. The package's own reading of YAML 1.1 takes `y` for a boolean, `E1` for a number.
  const options = {
    version: '1.1',
    schema: 'failsafe',
    uniqueKeys: false,
    logLevel: 'error',
  } as const;
  const document = parseDocument(text, options);
  let hasAlias = false;
  visit(document, {
    Alias: () => {
      hasAlias = true;
    },
  });
  if (document.errors.length > 0 || hasAlias || !isMap(document.contents)) return undefined;
  return toValue(document.contents) as Mapping;
}

function toValue(node: Node | null): unknown {
  if (isMap<Node, Node | null>(node)) {
    return Object.fromEntries(node.items.map(({ key, value }) => [toKey(key), toValue(value)]));
  }
  if (isSeq<Node | null>(node)) return node.items.map(toValue);
  if (!isScalar(node)) return null;
  const text = String(node.value ?? '');
  return node.type === 'PLAIN' && node.tag === undefined ? readPlain(text) : text;
}

function toKey(key: Node): string {
  return isScalar(key) ? String(key.value ?? '') : String(key);
}

function readPlain(text: string): unknown {
  const scalar = resolvePlainScalar(text);
  switch (scalar.kind) {
    case 'none':
      return null;
    case 'timestamp':
    case 'unreadable':
      return text;
    default:
      return scalar.value;
  }
}
