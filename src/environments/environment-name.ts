import { createHash } from 'node:crypto';
import { quotePythonString } from '../core/python-text.ts';
import type { Requirement } from './requirement-lines.ts';

/** What MLflow's `_PythonEnv` holds once its Python is known. */
export interface PythonEnvironmentContent {
  readonly python: string;
  readonly buildDependencies: readonly string[];
  readonly dependencies: readonly string[];
}

/**
 * The folder's name that MLflow gives to this environment (`_get_virtualenv_name` in
 * `mlflow/utils/virtualenv.py`): a hash of `str()` of the `_PythonEnv`, which is a dict's repr, and of
 * its flattened requirements in order. One environment thus serves MLflow and mlts.
 *
 * @param id what is added to it goes by this (`env_id`); '' for nothing.
 */
export function nameVirtualenv(
  content: PythonEnvironmentContent,
  requirements: readonly Requirement[],
  id = '',
): string {
  const environment =
    `{'python': ${quotePythonString(content.python)}, ` +
    `'build_dependencies': ${reprList(content.buildDependencies)}, ` +
    `'dependencies': ${reprList(content.dependencies)}}`;
  const ordered = [...requirements].sort(compareRequirements).map(reprRequirement);
  return hashName(environment + ordered.join('') + id);
}

/**
 * The name that MLflow gives to the conda environment of a file with this text
 * (`_get_conda_env_name` in `mlflow/utils/conda.py`, which reads it with Python's universal newlines).
 */
export function nameCondaEnvironment(fileText: string, id = ''): string {
  return hashName(fileText.replace(/\r\n?/g, '\n') + id);
}

function hashName(text: string): string {
  return `mlflow-${createHash('sha1').update(text, 'utf8').digest('hex')}`;
}

function compareRequirements(a: Requirement, b: Requirement): number {
  return compareCodePoints(a.text, b.text) || Number(a.isConstraint) - Number(b.isConstraint);
}

/** Python orders strings by code point; UTF-8 keeps that order, UTF-16 does not. */
function compareCodePoints(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function reprRequirement({ text, isConstraint }: Requirement): string {
  const flag = isConstraint ? 'True' : 'False';
  return `_Requirement(req_str=${quotePythonString(text)}, is_constraint=${flag})`;
}

function reprList(items: readonly string[]): string {
  return `[${items.map(quotePythonString).join(', ')}]`;
}
