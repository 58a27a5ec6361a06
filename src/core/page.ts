/** Which part of a long list is asked for. */
export interface PageRequest {
  readonly maxResults: number;
  /** What the page before named as its next; absent: the first page. */
  readonly pageToken?: string | undefined;
  /** Aborted when nobody waits for the page any more: what takes long may be given up then. */
  readonly signal?: AbortSignal | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Undefined on the last page. */
  readonly nextPageToken: string | undefined;
}
