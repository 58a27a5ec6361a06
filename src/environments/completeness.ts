import { basename, join } from 'node:path';
import { normalizePackageName } from '../core/package-name.ts';
import { kindOf } from '../host/files.ts';
import { tryTool } from '../host/tool.ts';
import { readPipPart } from './conda-dependencies.ts';
import type { EnvironmentAdditions } from './environment.ts';
import { hasPackage, listPackages } from './environment-folder.ts';
import { readEnvironmentFile } from './specification.ts';
import { UNFINISHED_FILE } from './virtualenv-build.ts';
import { parseWritten } from './written-environment.ts';

/**
 * MLflow puts itself into an environment after that has got its name: where it was interrupted, and where uv has
 * made one without a pip of its own, so that pip has installed elsewhere, the environment has none.
 */
export async function hasItsMlflow(
  folder: string,
  additions: EnvironmentAdditions | undefined,
): Promise<boolean> {
  const mlflow = additions?.mlflow;
  if (mlflow === undefined) return true;
  if ((await kindOf(join(folder, UNFINISHED_FILE))) !== undefined) return false;
  return hasPackage(folder, 'mlflow', mlflow.kind === 'version' ? mlflow.version : undefined);
}

/** The lines of conda.yaml that are pip's. What is wrong with the file is for conda to say. */
export async function readPipLines(file: string): Promise<readonly string[]> {
  const written = await parseWritten(await readEnvironmentFile(file), basename(file), []);
  return readPipPart(written);
}

/** A package and its versions; not what counts on some machines only, nor an option, address or path. */
const NAMED = /^([a-z0-9][a-z0-9._-]*)\s*(?:\[[^\]]*\])?\s*(?:\(?[=<>!~][^;@]*)?$/i;

/** Prints those of the names for which pip would find nothing. */
const ASK_PYTHON = `
import sys
from importlib.metadata import PackageNotFoundError, version
for name in sys.argv[1:]:
    try:
        version(name)
    except PackageNotFoundError:
        print(name)
`;

/**
 * Whether pip has been through with what conda.yaml asks of it. conda lists an environment as soon as its own
 * packages are in, before pip begins: where MLflow is ended then, it takes the environment for whole ever after. A
 * package that is asked for by name and is nowhere is a certain sign. One that is not in the environment may have
 * been found in the user's own packages: its Python is asked, which takes it a moment.
 */
export async function hasItsPipPart(
  prefix: string,
  file: string,
  options: {
    readonly env: Readonly<Record<string, string | undefined>>;
    readonly signal: AbortSignal;
  },
): Promise<boolean> {
  if ((await kindOf(join(prefix, UNFINISHED_FILE))) !== undefined) return false;
  const lines = (await readPipLines(file)).map((line) => line.replace(/(^|\s)#.*$/, '').trim());
  const asked = lines.flatMap((line) => NAMED.exec(line)?.[1] ?? []);
  const found = asked.length === 0 ? new Set() : await listPackages(prefix);
  const unseen = asked.filter((name) => !found.has(normalizePackageName(name)));
  if (unseen.length === 0) return true;
  const python = join(prefix, 'bin', 'python');
  if ((await kindOf(python)) === undefined) return true;
  const { stdout, exitCode } = await tryTool(python, ['-c', ASK_PYTHON, ...unseen], options);
  return exitCode !== 0 || stdout.trim() === '';
}
