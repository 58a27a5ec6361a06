import { join } from 'node:path';
import { NotFound } from '../core/errors.ts';
import { readTextFile } from '../host/text-file.ts';
import { CONDA_FILE, nameEnvironmentFiles, REQUIREMENTS_FILE } from './environment-source.ts';
import type { LocalModel } from './local-model.ts';

const LARGEST_FILE_BYTES = 10_000_000;

/**
 * The lines of a model's requirements.txt, comments and empty ones left out; where it has none, the `pip:`
 * list of its conda.yaml.
 */
export async function readModelRequirements({
  folder,
  file,
}: LocalModel): Promise<readonly string[]> {
  const text = await readIfPresent(join(folder, REQUIREMENTS_FILE));
  if (text !== undefined) {
    const lines = text.split(/\r\n|\r|\n/).map((line) => line.replace(/(^|\s)#.*$/, '').trim());
    return lines.filter((line) => line !== '');
  }
  const pyfunc = file.flavors.get('python_function');
  const conda = pyfunc === undefined ? CONDA_FILE : nameEnvironmentFiles(pyfunc).conda;
  return readPipList(await readIfPresent(join(folder, conda)));
}

async function readIfPresent(path: string): Promise<string | undefined> {
  return readTextFile(path, LARGEST_FILE_BYTES).catch((error: unknown) => {
    if (error instanceof NotFound) return undefined;
    throw error;
  });
}

async function readPipList(text: string | undefined): Promise<readonly string[]> {
  if (text === undefined) return [];
  const { parseDocument } = await import('yaml');
  const document = parseDocument(text, { version: '1.1' });
  if (document.errors.length > 0) return [];
  const written = document.toJS() as { readonly dependencies?: unknown } | null;
  const dependencies = Array.isArray(written?.dependencies) ? written.dependencies : [];
  const lists = dependencies.map((item: { readonly pip?: unknown } | null) => item?.pip);
  return lists.filter(Array.isArray).flat().map(String);
}
