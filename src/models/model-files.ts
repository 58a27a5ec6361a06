import { isAbsolute, join, normalize, posix } from 'node:path';
import { kindOf } from '../host/files.ts';
import { resolveLinks } from '../host/temporary-folder.ts';
import { nameEnvironmentFiles } from './environment-source.ts';
import type { Finding } from './finding.ts';
import type { LocalModel } from './local-model.ts';
import type { Mlmodel, Written } from './mlmodel.ts';

/** A file or folder that MLmodel names, and the key that names it. */
interface NamedPath {
  readonly key: string;
  readonly path: string;
}

/** Keys of flavors whose values are paths below the model's folder. */
const PATH_KEYS = ['model_path', 'data', 'code', 'python_model', 'pickled_model'];

/** What MLmodel points to must be there, and below the model's folder. */
export async function checkFiles({ folder, file }: LocalModel): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  const root = await resolveLinks(folder);
  for (const { key, path } of listNamedPaths(file)) {
    const target = join(folder, path);
    if (!staysBelow(path)) {
      findings.push(tellOutside(key, path));
    } else if ((await kindOf(target)) === undefined) {
      findings.push(tellMissing(key, path));
    } else if (!`${await resolveLinks(target)}/`.startsWith(`${root}/`)) {
      findings.push(tellOutside(key, path));
    }
  }
  return findings;
}

/** Whether a path that MLmodel names leads to something in the model's folder. */
export function staysBelow(path: string): boolean {
  return !isAbsolute(path) && !/^\.\.(?:\/|$)/.test(normalize(path));
}

function tellOutside(key: string, path: string): Finding {
  return {
    level: 'error',
    rule: 'path-outside-model',
    message: `\`${key}\` in MLmodel leads out of the model's folder: ${path}`,
    hint: 'do not load this model unless you know who made it; log it again with its files inside',
  };
}

function tellMissing(key: string, path: string): Finding {
  return {
    level: 'error',
    rule: 'missing-file',
    message: `\`${key}\` in MLmodel names ${path}, which is not there`,
    hint: 'download all of the model, or log it again',
  };
}

function listNamedPaths({ flavors, inputExample }: Mlmodel): readonly NamedPath[] {
  const found: NamedPath[] = [];
  for (const [flavor, written] of flavors) {
    for (const key of PATH_KEYS) add(`${flavor}.${key}`, written[key]);
    for (const [name, artifact] of Object.entries((written.artifacts ?? {}) as Written)) {
      add(`${flavor}.artifacts.${name}`, (artifact as Written | null)?.path);
    }
    // MLflow takes the last part of it only.
    if (typeof written.model_code_path === 'string') {
      add(`${flavor}.model_code_path`, posix.basename(written.model_code_path));
    }
  }
  const pyfunc = flavors.get('python_function');
  if (pyfunc?.env !== undefined && pyfunc.env !== null) {
    const { conda, virtualenv } = nameEnvironmentFiles(pyfunc);
    add('python_function.env.conda', conda);
    if (typeof pyfunc.env === 'object') add('python_function.env.virtualenv', virtualenv);
  }
  add('saved_input_example_info.artifact_path', inputExample?.artifact_path);
  return found;

  function add(key: string, path: unknown): void {
    if (typeof path === 'string' && path !== '') found.push({ key, path });
  }
}
