import { MltsError, Unavailable } from '../../core/errors.ts';

const REASONS: Readonly<Record<string, string>> = {
  ENOSPC: 'no space left on the disk',
  EDQUOT: 'the disk quota is used up',
  EACCES: 'permission denied',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
  ENOTDIR: 'a name is needed for a file and for a folder, as `a` and `a/b`',
  EISDIR: 'a name is needed for a file and for a folder, as `a` and `a/b`',
  EEXIST: 'a name is needed for a file and for a folder, as `a` and `a/b`',
};

/** Runs `work`; what the file system throws comes out as an `MltsError` that names `folder`. */
export async function explainedFile<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MltsError) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    throw new Unavailable(`cannot write to ${folder}: ${REASONS[code] ?? message}`, {
      cause: error,
    });
  }
}
