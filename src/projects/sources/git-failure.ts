import { ToolError } from '../../core/errors.ts';

/** What git and ssh say of failures that lie outside of us, and what a reader can do about each. */
const HINTS: readonly (readonly [said: RegExp, hint: string])[] = [
  [
    /could not resolve host/i,
    'check the host name in the URL, the network and the proxy settings (HTTPS_PROXY)',
  ],
  [
    /authentication failed|could not read (username|password)|terminal prompts disabled|access denied|returned error: 40[13]/i,
    "give git credentials for this host (a credential helper, or the host's own login command), or use an SSH URL",
  ],
  [
    /permission denied \(|publickey/i,
    'check that the SSH key for this host is loaded (`ssh-add -l`) and may read the repository',
  ],
  [
    /host key verification failed/i,
    'connect to the host once with ssh, or add its key to ~/.ssh/known_hosts',
  ],
  [
    /transport '?file'? not allowed/i,
    'git refuses submodules on this machine; trust them with `git config --global protocol.file.allow always`',
  ],
  [
    /dubious ownership/i,
    'run the `git config --global --add safe.directory` command that git names',
  ],
  [
    /repository ('.*' )?not found|does not appear to be a git repository|repository .* does not exist|returned error: 404/i,
    'check the URL; a private repository also reads as missing without credentials',
  ],
  [
    /failed to connect|connection (refused|reset|timed out)|network is unreachable|operation timed out|operation too slow|early eof|unexpected disconnect|empty reply/i,
    'check the network and try again',
  ],
  [
    /certificate|SSL/,
    'name the authority that signed it: `git config --global http.sslCAInfo FILE`, or GIT_SSL_CAINFO',
  ],
  [/no space left|disk quota/i, 'free some space, or name other disks: TMPDIR and MLTS_CACHE_DIR'],
  [/is not a git command/i, 'use https://, ssh://, git:// or file:// to name a Git repository'],
  [/git-lfs.*not found/i, 'install git-lfs'],
  [/is ambiguous/i, 'give more digits of the commit'],
];

/** The mend for what git said; undefined where the cause is not known, and may be our own mirror. */
export function hintFor(stderr: string): string | undefined {
  return HINTS.find(([said]) => said.test(stderr))?.[1];
}

/** True where the server has no such branch, tag or commit, or does not hand out single commits. */
export function isMissingRef(error: unknown): error is ToolError {
  return (
    error instanceof ToolError &&
    /couldn't find remote ref|not our ref|unadvertised object|no such ref/i.test(error.stderr)
  );
}

/** Says what was being done when git failed; an interrupt, or what was explained before, passes as it is. */
export function explainGitFailure(error: unknown, doing: string): unknown {
  if (!(error instanceof ToolError) || error.cause instanceof ToolError) return error;
  return new ToolError(`${doing} failed: ${error.message}`, {
    stderr: error.stderr,
    hint: hintFor(error.stderr),
    cause: error,
  });
}
