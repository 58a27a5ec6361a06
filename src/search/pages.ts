import type { Page, PageRequest } from '../core/page.ts';

const MOST_PER_PAGE = 1_000;

/**
 * The pages of a search, one after the other, up to `maxResults` in all; undefined: to the end. The
 * first one comes even where it is empty.
 */
export async function* readPages<Item>(
  readPage: (request: PageRequest) => Promise<Page<Item>>,
  maxResults = Number.POSITIVE_INFINITY,
): AsyncGenerator<readonly Item[]> {
  let pageToken: string | undefined;
  if (maxResults === 0) yield [];
  for (let left = maxResults; left > 0; ) {
    const page = await readPage({ maxResults: Math.min(left, MOST_PER_PAGE), pageToken });
    yield page.items;
    if (page.nextPageToken === undefined) return;
    left -= page.items.length;
    pageToken = page.nextPageToken;
  }
}

/** All items of a search at once. */
export async function readAll<Item>(
  readPage: (request: PageRequest) => Promise<Page<Item>>,
  maxResults?: number,
): Promise<readonly Item[]> {
  return gather(readPages(readPage, maxResults));
}

export async function gather<Item>(
  batches: AsyncIterable<readonly Item[]>,
): Promise<readonly Item[]> {
  const items: Item[] = [];
  for await (const batch of batches) items.push(...batch);
  return items;
}
