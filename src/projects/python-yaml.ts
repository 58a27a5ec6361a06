import type { Alias, Document, Node, Pair, Scalar, YAMLError, YAMLMap, YAMLSeq } from 'yaml';
import { resolvePlainScalar } from '../core/python-scalar.ts';
import {
  formatPythonRepr,
  formatPythonText,
  type PythonEntry,
  type PythonNode,
  type PythonScalar,
} from '../core/python-value.ts';
import type { FileReport } from './file-report.ts';

type Yaml = typeof import('yaml');

/** What one file may come to, aliases expanded, in characters; no honest file comes near. */
const LARGEST_SIZE = 2_000_000;
/** What a value counts beside its own text. */
const SIZE_OF_VALUE = 20;
const DEEPEST_NESTING = 100;
const TAG_PREFIX = 'tag:yaml.org,2002:';

/**
 * Reads YAML as PyYAML's `safe_load` does, keeping line numbers. What cannot be read is added to
 * `report`; so are duplicate keys, of which PyYAML silently takes the last.
 *
 * @returns undefined where the text is empty or so broken that there is nothing to look at.
 */
export async function parsePythonYaml(
  text: string,
  report: FileReport,
): Promise<PythonNode | undefined> {
  const yaml = await import('yaml');
  const lines = new yaml.LineCounter();
  const document = parseDocument(yaml, text, lines, report);
  if (report.problems.length > 0 || document.contents === null) return undefined;
  const lineOf = (node: Node): number => lines.linePos(node.range?.[0] ?? 0).line;
  const reading = { yaml, document, report, lineOf, sizeLeft: LARGEST_SIZE };
  return readNode(document.contents, 1, reading, 0);
}

function parseDocument(
  yaml: Yaml,
  text: string,
  lineCounter: InstanceType<Yaml['LineCounter']>,
  report: FileReport,
): Document {
  // Failsafe: every scalar stays text, and `resolvePlainScalar` decides as PyYAML does.
  const document = yaml.parseDocument(text, {
    version: '1.1',
    schema: 'failsafe',
    uniqueKeys: false,
    lineCounter,
    logLevel: 'error',
  });
  // One slip makes a parser stumble over all that follows: the first error is the one to mend.
  for (const error of document.errors.slice(0, 1)) addSyntaxProblem(error, report);
  return document;
}

const SYNTAX_HINTS: Readonly<Record<string, string>> = {
  TAB_AS_INDENT: 'indent with spaces',
  BLOCK_AS_IMPLICIT_KEY: 'put a text that holds `: ` in quotes, or check the indentation',
  BAD_SCALAR_START: 'put the text in quotes',
  MULTIPLE_DOCS: 'remove what follows the second `---`',
  BAD_INDENT: 'check the indentation of this line and the one before',
};

const SYNTAX_WORDS: Readonly<Record<string, string>> = {
  MULTIPLE_DOCS: 'there is more than one document',
  RESOURCE_EXHAUSTION: 'it is nested too deeply',
};

function addSyntaxProblem(error: YAMLError, report: FileReport): void {
  const [what = ''] = error.message.split(/ at line \d+|\n/);
  const said = SYNTAX_WORDS[error.code] ?? what;
  const line = error.linePos?.[0].line;
  report.addProblem(line, `not valid YAML: ${said}`, SYNTAX_HINTS[error.code]);
}

interface Reading {
  readonly yaml: Yaml;
  readonly document: Document;
  readonly report: FileReport;
  readonly lineOf: (node: Node) => number;
  /** What may still be made; below 0 it has been reported. */
  sizeLeft: number;
}

/** `line` stands for a value that is not written at all (`{a}`, `a:`). */
function readNode(
  node: Node | null,
  line: number,
  reading: Reading,
  depth: number,
): PythonNode | undefined {
  if (!hasRoom(node, line, reading, depth)) return undefined;
  if (node === null) return { kind: 'none', line };
  const { isAlias, isMap, isScalar, isSeq } = reading.yaml;
  if (isAlias(node)) return readAlias(node, reading, depth);
  if (isScalar(node)) {
    const isWritten = node.source !== '' || node.type !== 'PLAIN';
    return readScalar(node, isWritten ? reading.lineOf(node) : line, reading);
  }
  if (isSeq(node)) return readList(node, reading, depth);
  return isMap(node) ? readMapping(node, reading, depth) : undefined;
}

/** False, and reported once, where a small file stands for something huge. */
function hasRoom(node: Node | null, line: number, reading: Reading, depth: number): boolean {
  if (reading.sizeLeft < 0) return false;
  const text = reading.yaml.isScalar(node) ? String(node.value ?? '') : '';
  reading.sizeLeft -= SIZE_OF_VALUE + text.length;
  if (reading.sizeLeft >= 0 && depth <= DEEPEST_NESTING) return true;
  reading.sizeLeft = -1;
  const what = 'the YAML is nested too deeply, or its aliases (`*name`) stand for too much';
  reading.report.addProblem(line, what, 'write the values out');
  return false;
}

function readAlias(alias: Alias, reading: Reading, depth: number): PythonNode | undefined {
  const target = alias.resolve(reading.document);
  if (target !== undefined) return readNode(target, reading.lineOf(alias), reading, depth + 1);
  const what = `\`*${alias.source}\` stands for nothing: there is no \`&${alias.source}\` before it`;
  reading.report.addProblem(reading.lineOf(alias), what);
  return undefined;
}

function readList(list: YAMLSeq, reading: Reading, depth: number): PythonNode | undefined {
  const line = reading.lineOf(list);
  if (!isTagged(list, 'seq', line, reading)) return undefined;
  const items = list.items.map((item) => readNode(item as Node | null, line, reading, depth + 1));
  return { kind: 'list', items: items.filter((item) => item !== undefined), line };
}

function readMapping(map: YAMLMap, reading: Reading, depth: number): PythonNode | undefined {
  const line = reading.lineOf(map);
  if (!isTagged(map, 'map', line, reading)) return undefined;
  const merged = new Map<string, PythonEntry>();
  const own = new Map<string, PythonEntry>();
  for (const pair of map.items as Pair<Node | null, Node | null>[]) {
    if (isMergeKey(pair.key, reading)) mergeInto(merged, pair, reading, depth);
    else addEntry(own, pair, line, reading, depth);
  }
  const entries = new Map([...merged, ...own]);
  return { kind: 'mapping', entries: [...entries.values()], line };
}

function addEntry(
  entries: Map<string, PythonEntry>,
  pair: Pair<Node | null, Node | null>,
  line: number,
  reading: Reading,
  depth: number,
): void {
  const key = readNode(pair.key, line, reading, depth + 1);
  const value = readNode(pair.value, key?.line ?? line, reading, depth + 1);
  if (key === undefined || value === undefined) return;
  const name = formatPythonRepr(key);
  if (key.kind === 'list' || key.kind === 'mapping') {
    reading.report.addProblem(key.line, `\`${name}\` cannot be a key`);
    return;
  }
  if (entries.has(name)) {
    const what = `\`${formatPythonText(key)}\` is given twice, first on line ${entries.get(name)?.key.line}`;
    reading.report.addProblem(key.line, what, 'keep one of the two');
  }
  entries.set(name, { key, value });
}

function isMergeKey(key: Node | null, { yaml }: Reading): boolean {
  return yaml.isScalar(key) && key.type === 'PLAIN' && key.value === '<<' && key.tag === undefined;
}

/** `<<: *base` or `<<: [*first, *second]`; the first that has a key wins. */
function mergeInto(
  entries: Map<string, PythonEntry>,
  pair: Pair<Node | null, Node | null>,
  reading: Reading,
  depth: number,
): void {
  const line = reading.lineOf(pair.key as Node);
  const value = readNode(pair.value, line, reading, depth + 1);
  if (value === undefined) return;
  const bases = value.kind === 'list' ? [...value.items].reverse() : [value];
  for (const base of bases) {
    if (base.kind !== 'mapping') {
      reading.report.addProblem(line, '`<<` takes a mapping or a list of mappings');
      return;
    }
    for (const entry of base.entries) entries.set(formatPythonRepr(entry.key), entry);
  }
}

function readScalar(scalar: Scalar, line: number, reading: Reading): PythonNode | undefined {
  const text = String(scalar.value ?? '');
  // For `! "5"` PyYAML forgets the quotes.
  const isPlain = scalar.type === 'PLAIN' || scalar.type === undefined || scalar.tag === '!';
  if (scalar.tag !== undefined && scalar.tag !== '!') {
    const tagged = readTaggedScalar(text, scalar.tag);
    if (tagged === undefined) return addTagProblem(scalar.tag, line, reading);
    return { ...tagged, line };
  }
  const value = isPlain ? resolvePlainScalar(text) : ({ kind: 'string', value: text } as const);
  if (value.kind !== 'unreadable') return { ...value, line };
  const what = `\`${text}\` looks like ${value.looksLike} but is none`;
  reading.report.addProblem(line, what, `put it in quotes: \`'${text}'\``);
  return undefined;
}

/** `!!str 5`, `!!float 1`: undefined for other tags, and for text that does not fit. */
function readTaggedScalar(text: string, tag: string): PythonScalar | undefined {
  if (tag === `${TAG_PREFIX}str`) return { kind: 'string', value: text };
  const value = resolvePlainScalar(text);
  if (value.kind === 'unreadable') return undefined;
  if (tag === `${TAG_PREFIX}float` && value.kind === 'int') {
    return { kind: 'float', value: Number(value.value) };
  }
  const name = value.kind === 'none' ? 'null' : value.kind;
  return tag === `${TAG_PREFIX}${name}` ? value : undefined;
}

function isTagged(
  node: YAMLMap | YAMLSeq,
  expected: 'map' | 'seq',
  line: number,
  reading: Reading,
): boolean {
  if (node.tag === undefined || node.tag === `${TAG_PREFIX}${expected}`) return true;
  addTagProblem(node.tag, line, reading);
  return false;
}

function addTagProblem(tag: string, line: number, { report }: Reading): undefined {
  const shown = tag.startsWith(TAG_PREFIX) ? `!!${tag.slice(TAG_PREFIX.length)}` : tag;
  report.addProblem(line, `the YAML tag \`${shown}\` is not understood here`, 'leave the tag out');
}
