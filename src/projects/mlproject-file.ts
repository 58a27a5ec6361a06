import { join } from 'node:path';
import { InvalidInputs } from '../core/errors.ts';
import {
  describeKind,
  formatPythonText,
  type PythonMapping,
  type PythonNode,
} from '../core/python-value.ts';
import { suggestName } from '../core/suggestion.ts';
import { listWords } from '../core/wording.ts';
import { kindOf } from '../host/files.ts';
import { listFolder, readTextFile } from '../host/text-file.ts';
import { createFileReport, type FileReport } from './file-report.ts';
import { parsePythonYaml } from './python-yaml.ts';

const LARGEST_BYTES = 1_000_000;

/** An MLproject file as it is written: YAML that was read, nothing of its meaning checked. */
export interface MLprojectFile {
  /** Absolute. */
  readonly path: string;
  readonly root: PythonMapping;
  readonly report: FileReport;
}

/** A field as it is written; `line` is that of its name. */
export interface Field {
  readonly line: number;
  readonly value: PythonNode;
}

/**
 * Reads the project's MLproject file, whose name may be in any case (`_find_mlproject` in
 * `mlflow/projects/_project_spec.py`); undefined for a folder without one.
 *
 * @throws InvalidInput, InvalidInputs for a file that cannot be read as a YAML mapping.
 */
export async function readMLprojectFile(directory: string): Promise<MLprojectFile | undefined> {
  const [name, ...others] = await findMLprojectFiles(directory);
  if (name === undefined) return undefined;
  const report = createFileReport(name);
  for (const other of others) {
    report.addWarning(undefined, `\`${other}\` is ignored, the project is read from \`${name}\``);
  }
  const path = join(directory, name);
  const text = await readTextFile(path, LARGEST_BYTES);
  const root = isPrintable(text, report) ? await parsePythonYaml(text, report) : undefined;
  if (root?.kind === 'mapping' && report.problems.length === 0) return { path, root, report };
  if (report.problems.length === 0) addShapeProblem(root, report);
  throw new InvalidInputs(report.problems);
}

async function findMLprojectFiles(directory: string): Promise<readonly string[]> {
  const names = (await listFolder(directory)).filter((name) => name.toLowerCase() === 'mlproject');
  const kinds = await Promise.all(names.map((name) => kindOf(join(directory, name))));
  const files = names.filter((_name, position) => kinds[position] === 'file');
  return files.sort((a, b) => Number(b === 'MLproject') - Number(a === 'MLproject'));
}

/** PyYAML refuses control characters; they are mostly binary files under a wrong name. */
function isPrintable(text: string, report: FileReport): boolean {
  const position = text.search(/(?![\t\n\r\x85])\p{Cc}/u);
  if (position === -1) return true;
  const code = text.charCodeAt(position).toString(16).padStart(2, '0');
  const line = text.slice(0, position).split('\n').length;
  report.addProblem(line, `the control character \\x${code} cannot stand in YAML`, 'remove it');
  return false;
}

function addShapeProblem(root: PythonNode | undefined, report: FileReport): void {
  const hint = 'start with `entry_points:`, `main:` below it, and its `command:` below that';
  const isEmpty = root === undefined || root.kind === 'none';
  const what = isEmpty
    ? 'the file is empty'
    : `the file holds ${describeKind(root)} where fields (\`name: value\`) are expected`;
  report.addProblem(root?.line, what, hint);
}

/**
 * The fields of a mapping by name. What is in `known` is kept; all else is ignored, as MLflow ignores
 * it, with a warning. `owner` says whose fields they are: `main`, `docker_env`, ...
 */
export function readFields(
  mapping: PythonMapping,
  known: readonly string[],
  owner: string,
  report: FileReport,
): ReadonlyMap<string, Field> {
  const fields = new Map<string, Field>();
  for (const { key, value } of mapping.entries) {
    const name = formatPythonText(key);
    if (known.includes(name)) {
      fields.set(name, { line: key.line, value });
    } else {
      const meant = suggestName(name, known);
      const mend =
        meant === undefined ? `known are ${listWords(known)}` : `did you mean \`${meant}\`?`;
      report.addWarning(key.line, `\`${name}\` is no field of ${owner} and is ignored; ${mend}`);
    }
  }
  return fields;
}
