import type { Specification } from './specification.ts';
import {
  keepStrings,
  type Located,
  showWritten,
  type WrittenEnvironment,
} from './written-environment.ts';

/** The only conda packages that MLflow carries over into a virtual environment, in the forms it knows. */
const CARRIED_OVER = /^(python|pip|setuptools|wheel)(<|>|<=|>=|=|==|!=)?([\d.]+)?$/;

/**
 * Takes from a conda.yaml what a virtual environment can have: the Python version, pip, setuptools and
 * wheel, and the `pip:` list (`_PythonEnv.get_dependencies_from_conda_yaml` in
 * `mlflow/utils/environment.py`). What only conda can install is named in one warning.
 */
export function readCondaDependencies(written: WrittenEnvironment): Specification {
  const items = written.list('dependencies');
  const carried = items.flatMap((item) => carryOver(item, written));
  const pythons = carried.filter(({ name }) => name === 'python');
  const condaOnly = items
    .map(({ value }) => value)
    .filter((value) => typeof value === 'string')
    .filter((value) => !CARRIED_OVER.test(value));
  // As in MLflow the first `python` is the environment's; what follows is for pip to refuse.
  const python = pythons[0]?.version;
  return {
    python,
    buildDependencies: carried.filter((item) => item !== pythons[0]).map(formatForPip),
    dependencies: readPipList(items, written),
    condaOnly,
    warnings: warnOf(written.file, python, condaOnly),
  };
}

interface CarriedOver {
  readonly name: string;
  readonly operator: string;
  readonly version: string | undefined;
}

function carryOver(
  { value, place }: Located<unknown>,
  written: WrittenEnvironment,
): readonly CarriedOver[] {
  if (typeof value !== 'string') return [];
  const [, name, operator, version] = CARRIED_OVER.exec(value) ?? [];
  if (name === undefined) return [];
  if (name === 'python') checkPython(value, operator, place, written);
  return [{ name, operator: operator ?? '', version }];
}

function checkPython(
  value: string,
  operator: string | undefined,
  place: string,
  written: WrittenEnvironment,
): void {
  const hint = 'pin it: `python=3.11` or `python=3.11.7`';
  if (operator === undefined) {
    written.addProblem(place, `Invalid dependency for python: \`${value}\` must be pinned`, hint);
  } else if (['<', '>', '!='].includes(operator)) {
    const message = `Invalid version comparator for python: \`${operator}\` in \`${value}\``;
    written.addProblem(place, message, hint);
  }
}

/** conda's `=` is no operator for pip. */
function formatForPip({ name, operator, version }: CarriedOver): string {
  return name + (operator === '=' ? '==' : operator) + (version ?? '');
}

/** What conda has pip install; what is wrong with it becomes a problem of `written`. */
export function readPipPart(written: WrittenEnvironment): readonly string[] {
  return readPipList(written.list('dependencies'), written);
}

/** Where several `pip:` lists stand, MLflow and conda take the last. */
function readPipList(
  items: readonly Located<unknown>[],
  written: WrittenEnvironment,
): readonly string[] {
  let dependencies: readonly string[] = [];
  for (const { value, place } of items) {
    if (typeof value === 'string') continue;
    const list = isPipList(value) ? (value.pip ?? []) : undefined;
    if (Array.isArray(list)) {
      const located = list.map((item: unknown) => ({ value: item, place }));
      dependencies = keepStrings(located, 'pip', written);
    } else {
      const shown = showWritten(value);
      const hint = 'write a package (`- numpy=2.1`) or a list after `- pip:`';
      written.addProblem(place, `Invalid conda dependency: ${shown}`, hint);
    }
  }
  return dependencies;
}

function isPipList(value: unknown): value is { readonly pip: unknown } {
  return typeof value === 'object' && value !== null && 'pip' in value;
}

function warnOf(
  file: string,
  python: string | undefined,
  condaOnly: readonly string[],
): readonly string[] {
  const warnings: string[] = [];
  if (python === undefined) {
    warnings.push(
      `${file} does not pin a Python version in a form that MLflow reads: the Python on PATH is ` +
        'used; write `python=3.11` to choose one',
    );
  }
  const [first] = condaOnly;
  if (first !== undefined) {
    // conda pins with one `=`, pip with two.
    const asPip = first.replace(/(?<![=<>!])=(?!=)/, '==');
    warnings.push(
      `${file} has packages that only conda installs, this environment will not have them: ` +
        `${condaOnly.join(', ')}; add them under \`pip:\` (\`${asPip}\`) or use --env-manager conda`,
    );
  }
  return warnings;
}
