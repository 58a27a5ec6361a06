import { userInfo } from 'node:os';
import type { Env } from '../core/environment-variables.ts';

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
  return { ids, name: readAccountName() ?? String(uid ?? 'user') };
}

/** As Python's `getpass.getuser()`, which MLflow uses; `unknown` where that raises. */
export function readUserName(env: Env): string {
  const named = [env.LOGNAME, env.USER, env.LNAME, env.USERNAME].find((name) => name);
  return named ?? readAccountName() ?? 'unknown';
}

/** A user id without an entry in the password file, as in containers, has no name. */
function readAccountName(): string | undefined {
  try {
    return userInfo().username;
  } catch {
    return undefined;
  }
}
