import { isDeepStrictEqual } from 'node:util';
import { InvalidInput } from '../core/errors.ts';
import { dumpPythonJson, type PythonJson } from '../core/python-json.ts';

/** What a token holds beside its place: for most lists nothing, for some what was searched for. */
export type TokenSearch = Readonly<Record<string, PythonJson>>;

/** The token with which MLflow's stores name the next page (`SearchUtils.create_page_token`). */
export function createPageToken(offset: number, search: TokenSearch = {}): string {
  return Buffer.from(dumpPythonJson({ ...search, offset })).toString('base64');
}

/**
 * No token: the first page.
 *
 * @throws InvalidInput for what no MLflow store has handed out, and for the token of another search.
 */
export function parsePageToken(token: string | undefined, search: TokenSearch = {}): number {
  if (!token) return 0;
  const { offset, ...named } = readToken(token);
  const place = Number(offset);
  if (!Number.isSafeInteger(place) || place <= 0) throw noToken(token);
  for (const [name, value] of Object.entries(search)) {
    if (isDeepStrictEqual(named[name] ?? null, value)) continue;
    throw new InvalidInput(`the page token is of a search with another \`${name}\``, {
      hint: 'ask for each page as for the first one, but for the token',
    });
  }
  return place;
}

function readToken(token: string): Readonly<Record<string, unknown>> {
  try {
    return Object(JSON.parse(Buffer.from(token, 'base64').toString('utf8')));
  } catch {
    throw noToken(token);
  }
}

function noToken(token: string): InvalidInput {
  return new InvalidInput(`\`${token}\` is no page token`, {
    hint: 'leave it out for the first page; each page names the token of the next one',
  });
}
