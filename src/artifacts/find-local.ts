import { NotFound } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { kindOf } from '../host/files.ts';
import { resolveLocalPath } from './artifact-uri.ts';

/** The absolute path of a file or folder of this machine. @throws NotFound where nothing is there. */
export async function findLocal(uri: string, { cwd }: Context): Promise<string> {
  const path = resolveLocalPath(uri, cwd);
  if ((await kindOf(path)) !== undefined) return path;
  throw new NotFound(`no such file or folder: ${path}`, {
    hint: 'a relative path counts from the folder in which mlts was started',
  });
}
