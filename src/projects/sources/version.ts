import { InvalidInput, NotFound } from '../../core/errors.ts';
import { suggestName } from '../../core/suggestion.ts';

const MOST_NAMES = 8;

/**
 * Refuses what could not name a branch, tag or commit and would mean something else to git.
 *
 * @throws InvalidInput
 */
export function checkVersion(version: string): void {
  if (version !== '' && !/^-|[\s\p{Cc}]/u.test(version)) return;
  throw new InvalidInput(`\`${version}\` cannot be the version of a project`, {
    hint: 'give a branch, a tag or a commit',
  });
}

/** True where `git fetch` would take it for one name; `main~1`, `a:b` and `+x` are no names. */
export function isFetchable(version: string): boolean {
  return !/^[+^]|[:~^?*[\\]|\.\.|@\{/.test(version);
}

/** 4 to 64 hexadecimal digits: a commit, whole or shortened, unless a branch is called so. */
export function looksLikeCommit(version: string): boolean {
  return /^[0-9a-f]{4,64}$/i.test(version);
}

/** SHA-1 or SHA-256, not shortened. */
export function isWholeCommit(version: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/i.test(version);
}

/** The error for a version that `where` does not have; `names` are its branches and tags. */
export function unknownVersion(
  version: string | undefined,
  where: string,
  names: readonly string[],
): NotFound {
  const message =
    version === undefined
      ? `${where} has no default branch`
      : `${where} has no branch, tag or commit \`${version}\``;
  return new NotFound(message, { hint: nameHint(version, [...new Set(names)]) });
}

function nameHint(version: string | undefined, names: readonly string[]): string {
  if (names.length === 0) return 'it has no branches and no tags yet';
  const near = version === undefined ? undefined : suggestName(version, names);
  if (near !== undefined) return `did you mean \`${near}\`?`;
  const shown = names.slice(0, MOST_NAMES).join(', ');
  const rest = names.length - MOST_NAMES;
  return `name one of these with --version: ${shown}${rest > 0 ? ` and ${rest} more` : ''}`;
}

/** The error for `--version` with something that has no versions. */
export function noVersions(version: string, what: string): InvalidInput {
  return new InvalidInput(
    `${what} has no versions: \`--version ${version}\` needs a Git repository`,
    {
      hint: 'leave --version out, or name a Git repository',
    },
  );
}
