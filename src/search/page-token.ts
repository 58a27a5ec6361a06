import { InvalidInput } from '../core/errors.ts';

/** The token with which MLflow's stores name the next page (`SearchUtils.create_page_token`). */
export function createPageToken(offset: number): string {
  return Buffer.from(`{"offset": ${offset}}`).toString('base64');
}

/** @throws InvalidInput for what no MLflow store has handed out. No token: the first page. */
export function parsePageToken(token: string | undefined): number {
  if (!token) return 0;
  const offset = readOffset(Buffer.from(token, 'base64').toString('utf8'));
  if (offset !== undefined) return offset;
  throw new InvalidInput(`\`${token}\` is no page token`, {
    hint: 'leave it out for the first page; each page names the token of the next one',
  });
}

function readOffset(text: string): number | undefined {
  try {
    const { offset } = JSON.parse(text) as { readonly offset?: unknown };
    const number = Number(offset);
    return Number.isSafeInteger(number) && number > 0 ? number : undefined;
  } catch {
    return undefined;
  }
}
