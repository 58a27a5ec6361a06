import { join } from 'node:path';
import { ToolError } from '../core/errors.ts';
import { quoteForShell } from '../core/shell-word.ts';
import type { Context } from '../host/context.ts';
import { findExecutable } from '../host/executables.ts';
import { writeFileAtomically } from '../host/files.ts';
import { removeFolder } from '../host/folders.ts';
import { makeTemporaryFolder } from '../host/temporary-folder.ts';
import type { EnvironmentSource } from './environment.ts';
import { findCurrentPython, findInterpreter } from './python-interpreter.ts';
import { anchorReferences } from './requirement-lines.ts';
import { readSpecification } from './specification.ts';
import { createStepRunner } from './tool-step.ts';
import { adaptToUv, toolEnv } from './virtualenv-build.ts';

/** Whether the Python that an environment asks for is on this machine, and what could bring it. */
export interface PythonState {
  /** As written; undefined: any. */
  readonly asked: string | undefined;
  readonly path: string | undefined;
  /** `uv` or `pyenv`, where one of them is here. */
  readonly bringer: string | undefined;
}

/** Looks for the Python of an environment; nothing is downloaded. @throws InvalidInputs for a damaged file. */
export async function inspectPython(
  source: EnvironmentSource,
  { env, interrupts: { signal } }: Context,
): Promise<PythonState> {
  const { python: asked } = await readSpecification(source);
  const uv = await findExecutable('uv', env);
  const bringer = uv === undefined ? await findExecutable('pyenv', env) : uv;
  const path =
    asked === undefined
      ? (await findCurrentPython(env)).path
      : await findInterpreter({ asked, askedBy: source.file ?? '', env, uv, signal });
  return { asked, path, bringer };
}

/**
 * Has uv, else pip, find out whether an index has all that an environment asks for; nothing is installed.
 * Returns what the tool says against it, undefined where all can be had.
 */
export async function tryRequirements(
  source: EnvironmentSource,
  python: string,
  context: Context,
): Promise<ToolError | undefined> {
  const { dependencies } = await readSpecification(source);
  const uv = await findExecutable('uv', context.env);
  const folder = await makeTemporaryFolder('mlts-dry-run-', context.env);
  const file = join(folder, 'requirements.txt');
  const lines = anchorReferences(
    dependencies,
    source.directory,
    uv === undefined ? quoteForShell : (path) => path,
  );
  try {
    await writeFileAtomically(file, `${lines.join('\n')}\n`);
    const title = 'Asking the package index';
    await context.terminal.progress(title, async (update) => {
      const { signal } = context.interrupts;
      const own = { cwd: source.directory, env: toolEnv(context), signal, update };
      const surroundings = uv === undefined ? own : await adaptToUv('virtualenv', python, own);
      const run = createStepRunner(surroundings);
      await run({ title, ...chooseCall(uv, python, file) });
    });
    return undefined;
  } catch (error) {
    if (error instanceof ToolError) return error;
    throw error;
  } finally {
    await removeFolder(folder);
  }
}

function chooseCall(uv: string | undefined, python: string, file: string) {
  if (uv !== undefined) {
    return { file: uv, args: ['pip', 'compile', '--quiet', '--python', python, file] };
  }
  const args = ['-m', 'pip', 'install', '--quiet', '--disable-pip-version-check', '--dry-run'];
  return { file: python, args: [...args, '--ignore-installed', '-r', file] };
}
