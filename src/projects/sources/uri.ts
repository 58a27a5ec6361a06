import { fileURLToPath } from 'node:url';
import { InvalidInput } from '../../core/errors.ts';
import { redactUrls } from '../../core/redact.ts';

/** What a project's address means by its form alone; whether something is there is not asked. */
export interface ProjectUri {
  /** `local` may turn out to be a bare repository, and `git` a folder with a colon in its name. */
  readonly kind: 'local' | 'zip' | 'git';
  /** A path for `local`, a path or an http(s) URL for `zip`, what git takes for `git`. */
  readonly location: string;
  /** What follows `#`; empty for the top folder. */
  readonly subdirectory: string;
  /** As typed, without quotes and credentials. */
  readonly text: string;
}

/**
 * Reads a project's address: a folder, `file://`, a `.zip` (path or http), or what git clones
 * (`https://`, `ssh://`, `git://`, `user@host:path`, each also behind `git+`), all with `#subdirectory`.
 *
 * Other than in MLflow (`mlflow/projects/utils.py`), a subdirectory may hold dots, `file://` may hold
 * percent-encoding, and `..` may not leave the project.
 *
 * @throws InvalidInput for a subdirectory that leaves the project and a `file://` URL with a host.
 */
export function parseProjectUri(uri: string): ProjectUri {
  const typed = uri.replace(/^['"]+|['"]+$/g, '');
  const hash = typed.indexOf('#');
  const address = hash < 0 ? typed : typed.slice(0, hash);
  const subdirectory = hash < 0 ? '' : typed.slice(hash + 1);
  checkSubdirectory(subdirectory, typed);
  const { kind, location } = locate(address);
  return { kind, location, subdirectory, text: hideCredentials(typed) };
}

function checkSubdirectory(subdirectory: string, typed: string): void {
  const parts = subdirectory.split(/[/\\]/);
  if (!subdirectory.startsWith('/') && !parts.includes('..')) return;
  throw new InvalidInput(
    `the subdirectory \`${subdirectory}\` of \`${hideCredentials(typed)}\` leaves the project`,
    { hint: 'name a folder below the top of the project: `URI#path/to/project`' },
  );
}

function locate(address: string): { kind: ProjectUri['kind']; location: string } {
  const [, prefix, bare = address] = /^(git\+)(.*)$/s.exec(address) ?? [];
  const scheme = /^([a-z][a-z0-9+.-]*):\/\//i.exec(bare)?.[1]?.toLowerCase();
  if (prefix !== undefined) return { kind: 'git', location: bare };
  if (scheme === 'file') return locatePath(pathOfFileUrl(address));
  if (scheme === 'http' || scheme === 'https') {
    return { kind: /^[^?]*\.zip(\?|$)/i.test(address) ? 'zip' : 'git', location: address };
  }
  // As git tells `host:path` from a folder: a colon before the first slash.
  const isGit = scheme !== undefined || /^[^/]+:/.test(address);
  return isGit ? { kind: 'git', location: address } : locatePath(address);
}

function locatePath(path: string): { kind: 'local' | 'zip'; location: string } {
  return { kind: /.\.zip$/.test(path) ? 'zip' : 'local', location: path === '' ? '.' : path };
}

function pathOfFileUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new InvalidInput(`\`${url}\` is no address of a file on this machine`, {
      hint: 'write three slashes: file:///path/to/project',
      cause,
    });
  }
}

/**
 * Takes user and password out of an http(s) URL, and the query of an archive, which may be a signature;
 * other secrets are masked.
 */
export function hideCredentials(uri: string): string {
  const bare = uri
    .replace(/^((?:git\+)?https?:\/\/)[^/?#]*@/i, '$1')
    .replace(/^(https?:\/\/[^?#]*\.zip)\?[^#]*/i, '$1');
  return redactUrls(bare);
}

/** As MLflow writes a repository's URL (`mlflow/utils/git_utils.py`): no user in it, whatever the scheme. */
export function stripUserInfo(url: string): string {
  return redactUrls(url.replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/?#]*@/i, '$1'));
}
