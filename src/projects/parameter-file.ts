import { InvalidInput, InvalidInputs } from '../core/errors.ts';
import { describeKind, formatPythonText, type PythonNode } from '../core/python-value.ts';
import { createFileReport } from './file-report.ts';
import { parsePythonYaml } from './python-yaml.ts';

/**
 * Parameters from a YAML or JSON file: a mapping of names to values, each given as Python's `str()`
 * writes it.
 *
 * @throws InvalidInputs with all that is wrong in it.
 */
export async function readParameterFile(
  path: string,
  readFile: (path: string) => Promise<string>,
): Promise<ReadonlyMap<string, string>> {
  const text = await readFile(path);
  const report = createFileReport(path);
  const root = /\.json$/i.test(path) ? parseJson(text, path) : await parsePythonYaml(text, report);
  if (report.problems.length === 0 && root?.kind !== 'mapping') {
    const what = root === undefined ? 'is empty' : `holds ${describeKind(root)}`;
    report.addProblem(root?.line, `the parameter file ${what}`, 'write `name: value`, one a line');
  }
  const parameters = new Map<string, string>();
  for (const { key, value } of root?.kind === 'mapping' ? root.entries : []) {
    const name = formatPythonText(key);
    if (value.kind !== 'none') parameters.set(name, formatPythonText(value));
    else
      report.addProblem(lineOf(value), `\`${name}\` has no value`, "write `''` for an empty one");
  }
  if (report.problems.length > 0) throw new InvalidInputs(report.problems);
  return parameters;
}

/** Values that come from JSON have no lines. */
const NO_LINE = 0;

function lineOf({ line }: PythonNode): number | undefined {
  return line === NO_LINE ? undefined : line;
}

function parseJson(text: string, path: string): PythonNode {
  try {
    return JSON.parse(text, reviveAsPython) as PythonNode;
  } catch (cause) {
    throw new InvalidInput(`${path} is not valid JSON: ${(cause as Error).message}`, { cause });
  }
}

/** Called from the inside out, so what a list or object holds has been turned already. */
function reviveAsPython(_key: string, value: unknown, context?: { source?: string }): PythonNode {
  const line = NO_LINE;
  if (value === null) return { kind: 'none', line };
  if (typeof value === 'boolean') return { kind: 'bool', value, line };
  if (typeof value === 'string') return { kind: 'string', value, line };
  if (typeof value === 'number') return readJsonNumber(context?.source ?? String(value), value);
  if (Array.isArray(value)) return { kind: 'list', items: value as PythonNode[], line };
  const entries = Object.entries(value as Record<string, PythonNode>).map(([name, node]) => ({
    key: { kind: 'string', value: name, line } as const,
    value: node,
  }));
  return { kind: 'mapping', entries, line };
}

function readJsonNumber(source: string, value: number): PythonNode {
  return /^-?\d+$/.test(source)
    ? { kind: 'int', value: BigInt(source), line: NO_LINE }
    : { kind: 'float', value, line: NO_LINE };
}
