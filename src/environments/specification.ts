import { basename } from 'node:path';
import { InvalidInput, InvalidInputs, NotFound } from '../core/errors.ts';
import { readWholeText } from '../host/text-file.ts';
import { readCondaDependencies } from './conda-dependencies.ts';
import type { EnvironmentSource } from './environment.ts';
import { keepStrings, parseWritten, type WrittenEnvironment } from './written-environment.ts';

/** What python_env.yaml or conda.yaml asks for, checked. */
export interface Specification {
  /** `3.11` or `3.11.7`; undefined: whatever Python is on PATH, as MLflow takes its own. */
  readonly python: string | undefined;
  /** Installed first, in one call. */
  readonly buildDependencies: readonly string[];
  /** Lines of a requirements file: packages, `-r file`, `-c file`, pip options. */
  readonly dependencies: readonly string[];
  /** Conda packages that no virtual environment gets. */
  readonly condaOnly: readonly string[];
  readonly warnings: readonly string[];
}

const NOTHING: Specification = {
  python: undefined,
  buildDependencies: [],
  dependencies: [],
  condaOnly: [],
  warnings: [],
};

/**
 * Reads what a virtual environment is made from, as MLflow's `_PythonEnv` does
 * (`mlflow/utils/environment.py`). A project without such a file gets a Python and nothing else.
 *
 * @throws InvalidInputs with every problem of the file, each with its line.
 */
export async function readSpecification(source: EnvironmentSource): Promise<Specification> {
  if (source.kind === 'none' || source.file === undefined) return NOTHING;
  const text = await readEnvironmentFile(source.file);
  const specification = await parseSpecification(text, source.kind, basename(source.file));
  if (source.requirementsFile === undefined) return specification;
  return { ...specification, dependencies: [`-r ${source.requirementsFile}`] };
}

/** Far above what any project writes by hand. */
const LARGEST_FILE_BYTES = 10_000_000;

/** The text of an environment file. @throws InvalidInput where it is missing or cannot be read as text. */
export async function readEnvironmentFile(path: string): Promise<string> {
  return readWholeText(path, LARGEST_FILE_BYTES).catch((cause: unknown) => {
    if (!(cause instanceof NotFound)) throw cause;
    throw new InvalidInput(`there is no environment file ${path}`, {
      hint: 'correct its name in the MLproject or MLmodel file, or create it',
      cause,
    });
  });
}

/** As `readSpecification`, from the file's text; `file` is its name in messages. */
export async function parseSpecification(
  text: string,
  kind: 'python_env' | 'conda_env',
  file: string,
): Promise<Specification> {
  const problems: InvalidInput[] = [];
  const written = await parseWritten(text, file, problems);
  const specification =
    kind === 'conda_env' ? readCondaDependencies(written) : readPythonEnvironment(written);
  if (problems.length > 0) throw new InvalidInputs(problems);
  return specification;
}

const PYTHON_ENV_KEYS = ['python', 'build_dependencies', 'dependencies'];

function readPythonEnvironment(written: WrittenEnvironment): Specification {
  for (const [key, { place }] of written.entries) {
    if (PYTHON_ENV_KEYS.includes(key)) continue;
    const known = PYTHON_ENV_KEYS.map((name) => `\`${name}\``).join(', ');
    written.addProblem(place, `unknown key \`${key}\``, `${written.file} has ${known}`);
  }
  return {
    ...NOTHING,
    python: readPythonVersion(written),
    buildDependencies: readStrings(written, 'build_dependencies'),
    dependencies: readStrings(written, 'dependencies'),
  };
}

function readPythonVersion(written: WrittenEnvironment): string | undefined {
  const entry = written.entries.get('python');
  if (entry === undefined || entry.value === null || entry.value === '') return undefined;
  if (typeof entry.value === 'string') return entry.value;
  written.addProblem(
    entry.place,
    `\`python\` must be a string, YAML reads the number ${String(entry.value)}`,
    'quote it: `python: "3.11"`',
  );
  return undefined;
}

function readStrings(written: WrittenEnvironment, key: string): readonly string[] {
  return keepStrings(written.list(key), key, written);
}
