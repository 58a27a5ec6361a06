import { resolve } from 'node:path';
import type { Context } from '../../host/context.ts';
import { listFiles } from '../../host/folders.ts';
import { loadProject } from '../../projects/load-project.ts';
import type { Parameter, Project } from '../../projects/project.ts';
import { parseProjectUri } from '../../projects/sources/uri.ts';
import { type Candidates, NOTHING } from './candidate.ts';
import type { TypedLine } from './typed-line.ts';

/** Entry points of the project that the line names, and the scripts beside its MLproject file. */
export async function listEntryPoints(line: TypedLine, context: Context): Promise<Candidates> {
  const project = await loadNamedProject(line, context);
  if (project === undefined) return NOTHING;
  const declared = project.entryPoints.map(({ name, command }) => ({
    value: name,
    description: command.trim(),
  }));
  const scripts = (await listFiles(project.directory)).filter((name) => /\.(py|sh|R)$/.test(name));
  return { found: [...declared, ...scripts.map((value) => ({ value, description: 'script' }))] };
}

/** `name=` for each parameter of the entry point that has no value yet; behind `name=` its values. */
export async function listParameters(line: TypedLine, context: Context): Promise<Candidates> {
  const project = await loadNamedProject(line, context);
  const name = line.values.get('entry-point')?.at(-1) ?? 'main';
  const parameters =
    project?.entryPoints.find((declared) => declared.name === name)?.parameters ?? [];
  const typed = parameters.find((parameter) => line.current.startsWith(`${parameter.name}=`));
  if (typed !== undefined) return listParameterValues(typed);
  const given = (line.values.get('param-list') ?? []).map((word) => word.split('=')[0]);
  return {
    found: parameters
      .filter((parameter) => !given.includes(parameter.name))
      .map((one) => ({ value: `${one.name}=`, description: describeParameter(one) })),
  };
}

function listParameterValues({ name, type }: Parameter): Candidates {
  if (type === 'path' || type === 'uri') return { found: [], takesFiles: true };
  const values = type === 'bool' ? ['True', 'False'] : [];
  return { found: values.map((value) => ({ value: `${name}=${value}` })) };
}

function describeParameter(parameter: Parameter): string {
  const value = parameter.default === undefined ? 'required' : `default ${parameter.default}`;
  return `${parameter.type}, ${value}`;
}

/** Undefined for projects that are elsewhere: nothing is fetched for a key press. */
async function loadNamedProject(
  { positionals }: TypedLine,
  { cwd }: Context,
): Promise<Project | undefined> {
  const { kind, location, subdirectory } = parseProjectUri(positionals[0] ?? '.');
  return kind === 'local' ? loadProject(resolve(cwd, location, subdirectory)) : undefined;
}
