import { MltsError, Unavailable } from '../../core/errors.ts';

const NAMES_CLASH = 'a name is needed for a file and for a folder, as `a` and `a/b`';
const REASONS: Readonly<Record<string, readonly [says: string, hint: string]>> = {
  ENOSPC: ['no space left on the disk', 'free some space, then run again'],
  EDQUOT: ['the disk quota is used up', 'remove what you no longer need, then run again'],
  EACCES: ['permission denied', 'give yourself write access to it'],
  EPERM: ['not permitted', 'give yourself write access to it'],
  EROFS: ['the file system is read-only', 'name another folder in MLFLOW_TRACKING_URI'],
  ENOTDIR: [NAMES_CLASH, 'choose another name'],
  EISDIR: [NAMES_CLASH, 'choose another name'],
  EEXIST: [NAMES_CLASH, 'choose another name'],
};

/** Runs `work`; what the file system throws comes out as an `MltsError` that names `folder`. */
export async function explainedFile<T>(folder: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    if (error instanceof MltsError) throw error;
    const { code = '', message } = error as NodeJS.ErrnoException;
    const [says = message, hint] = REASONS[code] ?? [];
    throw new Unavailable(`cannot write to ${folder}: ${says}`, { hint, cause: error });
  }
}
