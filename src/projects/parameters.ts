import type { Param } from '../core/entities.ts';
import { type InvalidInput, InvalidInputs, UsageError } from '../core/errors.ts';
import { isPassable } from '../core/shell-word.ts';
import { suggestName } from '../core/suggestion.ts';
import type { Invocation } from './invocation.ts';
import { readParameterFile } from './parameter-file.ts';
import { findParameterPath } from './parameter-path.ts';
import { missingParameters, missingPath, unfitValue, unusableValue } from './parameter-problems.ts';
import { fitsType } from './parameter-type.ts';
import type { EntryPoint } from './project.ts';

/** A URI given for a `path` parameter: to be fetched before the command is built. */
export interface ParameterDownload {
  readonly name: string;
  readonly uri: string;
  /** Folder to make below the storage directory, named as MLflow names it: `param_0`. */
  readonly folder: string;
}

export interface ResolvedParameters {
  /** For the run: declared ones in the file's order, then the others, each as it was given. */
  readonly logged: readonly Param[];
  /** Declared ones as the command gets them; what is downloaded still has its URI here. */
  readonly values: ReadonlyMap<string, string>;
  /** Given, but not declared: appended to the command as `--name value`. */
  readonly extras: readonly Param[];
  readonly downloads: readonly ParameterDownload[];
  readonly warnings: readonly string[];
}

/**
 * Reads the words after `-P`: `name=value`, or `@file` for a YAML or JSON file of many. What is typed
 * wins over what a file says.
 *
 * @throws UsageError for words without `=` and for names given twice, as `mlflow run` does.
 */
export async function parseParameterArguments(
  words: readonly string[],
  readFile: (path: string) => Promise<string>,
): Promise<ReadonlyMap<string, string>> {
  const typed = new Map<string, string>();
  const read = new Map<string, string>();
  for (const word of words) {
    const pairs = word.startsWith('@')
      ? await readParameterFile(word.slice(1), readFile)
      : [splitParameter(word)];
    const given = word.startsWith('@') ? read : typed;
    for (const [name, value] of pairs) {
      if (given.has(name)) throw new UsageError(`parameter \`${name}\` is given twice`);
      given.set(name, value);
    }
  }
  return new Map([...read, ...typed]);
}

function splitParameter(word: string): [name: string, value: string] {
  const split = word.indexOf('=');
  if (split > 0) return [word.slice(0, split), word.slice(split + 1)];
  throw new UsageError(`-P takes \`name=value\`, got \`${word}\``, {
    hint: 'write `-P name=value`, or `-P @params.yaml` to read a file',
  });
}

/**
 * Gives every parameter of the entry point its value and checks it against its type, before anything
 * is created (`compute_parameters` in `mlflow/projects/_project_spec.py`, which checks `path` and `uri`
 * only). Relative paths are meant from `cwd`; `invocation` is for hints. A default is not checked against its type: MLflow runs it,
 * and loading the project has warned of it.
 *
 * @throws InvalidInputs with all that is wrong with them at once.
 */
export async function resolveParameters(
  entryPoint: EntryPoint,
  given: ReadonlyMap<string, string>,
  cwd: string,
  invocation: Invocation,
): Promise<ResolvedParameters> {
  const located = await locatePaths(entryPoint, given, cwd);
  const problems = [...findValueProblems(entryPoint, given, invocation), ...located.problems];
  if (problems.length > 0) throw new InvalidInputs(problems);
  const declared = listDeclared(entryPoint, given);
  const extras = listExtras(entryPoint, given);
  const texts = declared.map(({ key, value }) => [key, value] as const);
  return {
    logged: [...declared, ...extras],
    values: new Map([...texts, ...located.paths]),
    extras,
    downloads: located.downloads,
    warnings: warnOfSlips(entryPoint, given, extras),
  };
}

interface LocatedPaths {
  readonly paths: ReadonlyMap<string, string>;
  readonly downloads: readonly ParameterDownload[];
  readonly problems: readonly InvalidInput[];
}

async function locatePaths(
  entryPoint: EntryPoint,
  given: ReadonlyMap<string, string>,
  cwd: string,
): Promise<LocatedPaths> {
  const paths = new Map<string, string>();
  const downloads: ParameterDownload[] = [];
  const problems: InvalidInput[] = [];
  for (const [position, parameter] of entryPoint.parameters.entries()) {
    const { name, type } = parameter;
    const value = given.get(name) ?? parameter.default;
    if (type !== 'path' || value === undefined) continue;
    const found = await findParameterPath(value, !given.has(name), entryPoint, cwd);
    if (found.kind === 'local') paths.set(name, found.path);
    if (found.kind === 'remote')
      downloads.push({ name, uri: found.uri, folder: `param_${position}` });
    if (found.kind === 'missing') problems.push(missingPath(entryPoint, parameter, value));
  }
  return { paths, downloads, problems };
}

function listDeclared({ parameters }: EntryPoint, given: ReadonlyMap<string, string>): Param[] {
  return parameters.map(({ name, default: value = '' }) => ({
    key: name,
    value: given.get(name) ?? value,
  }));
}

function listExtras({ parameters }: EntryPoint, given: ReadonlyMap<string, string>): Param[] {
  const declared = new Set(parameters.map(({ name }) => name));
  return [...given].flatMap(([key, value]) => (declared.has(key) ? [] : [{ key, value }]));
}

function findValueProblems(
  entryPoint: EntryPoint,
  given: ReadonlyMap<string, string>,
  invocation: Invocation,
): InvalidInput[] {
  const problems: InvalidInput[] = [];
  const missing = entryPoint.parameters.filter(
    (parameter) => parameter.default === undefined && !given.has(parameter.name),
  );
  if (missing.length > 0) problems.push(missingParameters(entryPoint, missing, invocation));
  for (const parameter of entryPoint.parameters) {
    // MLflow checks URIs even where they are defaults.
    const checked = parameter.type === 'uri' ? parameter.default : undefined;
    const value = given.get(parameter.name) ?? checked;
    if (value !== undefined && !fitsType(value, parameter.type)) {
      problems.push(unfitValue(entryPoint, parameter, value, invocation));
    }
  }
  const all = [...listDeclared(entryPoint, given), ...listExtras(entryPoint, given)];
  const unusable = all.filter(({ key, value }) => !isPassable(key) || !isPassable(value));
  return [...problems, ...unusable.map(({ key }) => unusableValue(key))];
}

/** An undeclared name that is nearly a declared one, which kept its default: likely a slip. */
function warnOfSlips(
  { name, parameters }: EntryPoint,
  given: ReadonlyMap<string, string>,
  extras: readonly Param[],
): readonly string[] {
  const unused = parameters.map((parameter) => parameter.name).filter((known) => !given.has(known));
  return extras.flatMap(({ key }) => {
    const meant = suggestName(key, unused);
    if (meant === undefined) return [];
    return `\`${name}\` has no parameter \`${key}\`, it is appended as --${key}; did you mean \`${meant}\`?`;
  });
}
