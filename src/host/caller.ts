import { userInfo } from 'node:os';

/** Who runs mlts. */
export interface Caller {
  /** Undefined on Windows. */
  readonly ids: { readonly uid: number; readonly gid: number } | undefined;
  readonly name: string;
}

export function readCaller(): Caller {
  const uid = process.getuid?.();
  const gid = process.getgid?.();
  const ids = uid === undefined || gid === undefined ? undefined : { uid, gid };
  return { ids, name: readName() ?? String(uid ?? 'user') };
}

/** A user id without an entry in the password file has no name. */
function readName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
