import { basename } from 'node:path';
import {
  describeKind,
  formatPythonText,
  type PythonEntry,
  type PythonNode,
} from '../core/python-value.ts';
import { listWords } from '../core/wording.ts';
import { findTemplateProblem } from './command.ts';
import { createFileReport, type FileReport } from './file-report.ts';
import { type Field, readFields } from './mlproject-file.ts';
import { describeType, fitsType, readParameterType, suggestType } from './parameter-type.ts';
import { type EntryPoint, PARAMETER_TYPES, type Parameter, type ParameterType } from './project.ts';

/**
 * Reads `entry_points` of an MLproject file. What MLflow refuses while it loads the project goes into
 * `report`; what it finds only when an entry point is run becomes that entry point's own problem.
 */
export function readEntryPoints(
  field: Field | undefined,
  path: string,
  report: FileReport,
): readonly EntryPoint[] {
  const entries = readNamedEntries(field, '`entry_points`', report);
  return entries.flatMap((entry) => readEntryPoint(entry, path, report) ?? []);
}

/** The entries of a mapping whose keys are names; YAML reads `on`, `no` and `1` as something else. */
function readNamedEntries(
  field: Field | undefined,
  owner: string,
  report: FileReport,
): readonly PythonEntry[] {
  if (field === undefined || field.value.kind === 'none') return [];
  if (field.value.kind !== 'mapping') {
    const what = `${owner} must be a mapping, not ${describeKind(field.value)}`;
    report.addProblem(field.line, what, 'write a line `name:` for each, indented below it');
    return [];
  }
  return field.value.entries.filter(({ key }) => {
    const text = formatPythonText(key);
    if (key.kind === 'string' && text !== '') return true;
    const what =
      key.kind === 'string'
        ? 'a name is empty'
        : `YAML reads a name as ${describeKind(key)}, \`${text}\``;
    report.addProblem(key.line, `in ${owner}, ${what}`, 'put the name in quotes');
    return false;
  });
}

function readEntryPoint(
  { key, value }: PythonEntry,
  path: string,
  report: FileReport,
): EntryPoint | undefined {
  const name = formatPythonText(key);
  if (value.kind !== 'mapping') {
    const what = `entry point \`${name}\` must be a mapping, not ${describeKind(value)}`;
    report.addProblem(key.line, what, 'write `command: python train.py` indented below it');
    return undefined;
  }
  const fields = readFields(value, ['parameters', 'command'], `entry point \`${name}\``, report);
  const own = createFileReport(basename(path));
  return addTemplateProblem({
    name,
    parameters: readParameters(fields.get('parameters'), name, report),
    command: readCommand(fields.get('command'), name, key.line, own),
    commandLine: fields.get('command')?.line,
    file: path,
    line: key.line,
    problems: own.problems,
  });
}

function addTemplateProblem(entryPoint: EntryPoint): EntryPoint {
  const problem = findTemplateProblem(entryPoint);
  if (problem === undefined) return entryPoint;
  return { ...entryPoint, problems: [...entryPoint.problems, problem] };
}

/** Empty where there is none that can be used. */
function readCommand(
  field: Field | undefined,
  name: string,
  line: number,
  report: FileReport,
): string {
  if (field?.value.kind === 'string' && field.value.value.trim() !== '') return field.value.value;
  const isMissing = field === undefined || field.value.kind === 'none';
  const what = isMissing
    ? `entry point \`${name}\` has no \`command\``
    : `\`command\` of \`${name}\` must be text, not ${describeCommand(field.value)}`;
  report.addProblem(field?.line ?? line, what, 'write `command: python train.py`');
  return '';
}

function describeCommand(value: PythonNode): string {
  return value.kind === 'string' ? 'empty' : describeKind(value);
}

function readParameters(
  field: Field | undefined,
  entryPoint: string,
  report: FileReport,
): readonly Parameter[] {
  const entries = readNamedEntries(field, `\`parameters\` of \`${entryPoint}\``, report);
  return entries.flatMap((entry) => readParameter(entry, entryPoint, report) ?? []);
}

/** `alpha: float`, or `alpha: {type: float, default: 0.5}`. */
function readParameter(
  { key, value }: PythonEntry,
  entryPoint: string,
  report: FileReport,
): Parameter | undefined {
  const name = formatPythonText(key);
  const owner = `parameter \`${name}\` of \`${entryPoint}\``;
  if (value.kind === 'string') {
    const type = readType({ line: key.line, value }, owner, report);
    return { name, type, default: undefined, line: key.line };
  }
  if (value.kind !== 'mapping') {
    const what = `${owner} must have a type, not ${describeKind(value)}`;
    report.addProblem(key.line, what, mendParameter(name, value));
    return undefined;
  }
  const fields = readFields(value, ['type', 'default'], owner, report);
  const type = readType(fields.get('type'), owner, report);
  return {
    name,
    type,
    default: readDefault(fields.get('default'), type, owner, report),
    line: key.line,
  };
}

function mendParameter(name: string, value: PythonNode): string {
  const types = { none: 'string', bool: 'bool', int: 'int', float: 'float', timestamp: 'string' };
  if (value.kind === 'none' || value.kind === 'list') return `write \`${name}: string\``;
  const type = types[value.kind as keyof typeof types];
  return `write \`${name}: {type: ${type}, default: ${formatPythonText(value)}}\``;
}

/** MLflow looks for `path` and `uri` only: other types, real or not, mean text to it. */
function readType(field: Field | undefined, owner: string, report: FileReport): ParameterType {
  if (field === undefined || field.value.kind === 'none') return 'string';
  const written = formatPythonText(field.value);
  const type = readParameterType(written);
  if (type !== undefined) return type;
  const meant = suggestType(written);
  const mend =
    meant === undefined ? `known are ${listWords(PARAMETER_TYPES)}` : `did you mean \`${meant}\`?`;
  report.addWarning(field.line, `\`${written}\` is no type, ${owner} is taken as text; ${mend}`);
  return 'string';
}

function readDefault(
  field: Field | undefined,
  type: ParameterType,
  owner: string,
  report: FileReport,
): string | undefined {
  if (field === undefined || field.value.kind === 'none') return undefined;
  const text = formatPythonText(field.value);
  if (!fitsType(text, type)) {
    report.addWarning(
      field.line,
      `the default \`${text}\` of ${owner} is not ${describeType(type).article}`,
    );
  }
  return text;
}
