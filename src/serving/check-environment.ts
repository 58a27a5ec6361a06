import { InvalidInputs, MltsError } from '../core/errors.ts';
import { inspectPython, type PythonState, tryRequirements } from '../environments/dry-run.ts';
import type { EnvironmentSource } from '../environments/environment.ts';
import type { Context } from '../host/context.ts';
import { findModelEnvironment } from '../models/environment-source.ts';
import type { Finding } from '../models/finding.ts';
import type { LocalModel } from '../models/local-model.ts';

/**
 * Whether the environment of a model can be made here: its file, its Python, and, where `asksIndex`, whether
 * the package index has what it requires.
 */
export async function checkEnvironment(
  model: LocalModel,
  { asksIndex }: { readonly asksIndex: boolean },
  context: Context,
): Promise<readonly Finding[]> {
  // That no Python can load it is told by itself.
  if (!model.file.flavors.has('python_function')) return [];
  try {
    const source = await findModelEnvironment(model, false);
    const state = await inspectPython(source, context);
    const findings = checkPython(state);
    if (!asksIndex || state.path === undefined) return findings;
    return [...findings, ...(await checkIndex(source, state.path, context))];
  } catch (error) {
    if (!(error instanceof MltsError)) throw error;
    const problems = error instanceof InvalidInputs ? error.problems : [error];
    return problems.map(({ message, hint }) => ({
      level: 'error',
      rule: 'environment-file',
      message,
      hint: hint ?? 'mend the file by hand, or log the model again',
    }));
  }
}

function checkPython({ asked, path, bringer }: PythonState): readonly Finding[] {
  if (path !== undefined) return [];
  const hint = `install Python ${asked}, or ask for one that is here in python_env.yaml`;
  const rule = 'missing-python';
  if (bringer === undefined) {
    return [{ level: 'error', rule, message: `Python ${asked} is not on this machine`, hint }];
  }
  const message = `Python ${asked} is not on this machine: ${bringer} would have to bring it`;
  return [{ level: 'warning', rule, message, hint }];
}

async function checkIndex(
  source: EnvironmentSource,
  python: string,
  context: Context,
): Promise<readonly Finding[]> {
  const failure = await tryRequirements(source, python, context);
  if (failure === undefined) return [];
  return [
    {
      level: 'error',
      rule: 'requirements-not-to-be-had',
      message: failure.message,
      hint: failure.hint ?? 'mend the requirements: mlts models update-pip-requirements',
    },
  ];
}
