const REASONS: Readonly<Record<string, string>> = {
  EACCES: 'permission denied',
  EDQUOT: 'the disk quota is used up',
  EEXIST: 'a file of that name is in the way',
  EFBIG: 'the file system takes no files of that size',
  EISDIR: 'a folder of that name is in the way',
  ENAMETOOLONG: 'the name is too long for this file system',
  ENOENT: 'the folder above it takes no new ones',
  ENOSPC: 'no space left on the disk',
  ENOTDIR: 'a part of the path is a file',
  EPERM: 'not permitted',
  EROFS: 'the file system is read-only',
};

/** Why a file or folder could not be made, in words; the system's code where there are none. */
export function explainCode(error: unknown): string {
  const { code = 'unknown error' } = error as NodeJS.ErrnoException;
  return REASONS[code] ?? code;
}
