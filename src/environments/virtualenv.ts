import { basename, join } from 'node:path';
import type { Context } from '../host/context.ts';
import { hasItsMlflow } from './completeness.ts';
import type { Environment, EnvironmentSource, PreparedEnvironment } from './environment.ts';
import {
  buildInPlace,
  environmentRoot,
  inspectFolder,
  withFolderLock,
} from './environment-folder.ts';
import { nameVirtualenv } from './environment-name.ts';
import { findCurrentPython } from './python-interpreter.ts';
import { flattenRequirements } from './requirement-lines.ts';
import { readSpecification, type Specification } from './specification.ts';
import { activateVirtualenv, addMlflow, buildVirtualenv } from './virtualenv-build.ts';

/** What will be made and where; nothing is created for it. */
interface VirtualenvPlan {
  readonly specification: Specification;
  readonly python: string;
  readonly root: string;
  readonly name: string;
  readonly folder: string;
}

/**
 * A virtual environment at MLflow's own place and name (`mlflow/utils/virtualenv.py`), so that one made by
 * either serves both. A ready one costs a look at the files: no Python and no tool is started.
 */
export function createVirtualenv(
  manager: 'virtualenv' | 'uv',
  source: EnvironmentSource,
  context: Context,
): Environment {
  return {
    async check() {
      await readSpecification(source);
    },
    async inspect() {
      const { specification, python, folder } = await planVirtualenv(source, context);
      const state = await inspectFolder(folder);
      const broken = state === 'broken' ? [warnOfBroken(folder)] : [];
      return {
        manager,
        state: state === 'ready' ? 'cached' : 'missing',
        location: folder,
        python,
        dependencies: [...specification.buildDependencies, ...specification.dependencies],
        warnings: [...specification.warnings, ...broken],
      };
    },
    async prepare(signal) {
      const plan = await planVirtualenv(source, context);
      for (const warning of plan.specification.warnings) context.terminal.warn(warning);
      await makeIfMissing(plan, { manager, source, context, signal });
      return prepareLaunch(manager, plan.folder);
    },
  };
}

async function planVirtualenv(
  source: EnvironmentSource,
  { env }: Context,
): Promise<VirtualenvPlan> {
  const specification = await readSpecification(source);
  const python = specification.python ?? (await findCurrentPython(env)).version;
  const requirements = await flattenRequirements(specification.dependencies, source.directory);
  const root = environmentRoot(env);
  const name = nameVirtualenv({ ...specification, python }, requirements, source.additions?.id);
  return { specification, python, root, name, folder: join(root, name) };
}

async function makeIfMissing(
  { specification, root, name, folder }: VirtualenvPlan,
  making: {
    readonly manager: 'virtualenv' | 'uv';
    readonly source: EnvironmentSource;
    readonly context: Context;
    readonly signal: AbortSignal;
  },
): Promise<void> {
  const { manager, source, context, signal } = making;
  const state = await inspectFolder(folder);
  const askedBy = source.file === undefined ? 'the project' : basename(source.file);
  const { directory, additions } = source;
  const build = { manager, specification, directory, askedBy, name, additions };
  const onWait = (): void =>
    context.terminal.note('another process is making this environment: waiting for it');
  const place = { root, name, signal, onWait };
  if (state === 'broken') context.terminal.warn(warnOfBroken(folder));
  if (state !== 'ready') {
    return buildInPlace(place, (partial) => buildVirtualenv(build, partial, context, signal));
  }
  if (await hasItsMlflow(folder, additions)) return;
  await withFolderLock(place, async () => {
    if (await hasItsMlflow(folder, additions)) return;
    await addMlflow(build, folder, context, signal);
  });
}

function warnOfBroken(folder: string): string {
  return `the environment ${folder} has no working Python: it is made anew`;
}

function prepareLaunch(manager: 'virtualenv' | 'uv', folder: string): PreparedEnvironment {
  return {
    tags: [{ key: 'mlflow.project.env', value: manager }],
    folder,
    launch: ({ shell, cwd, env }) => ({
      kind: 'process',
      file: 'bash',
      args: ['-c', shell],
      cwd,
      env: activateVirtualenv(env, folder),
    }),
  };
}
