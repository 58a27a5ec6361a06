/** Which part of a long list is asked for. */
export interface PageRequest {
  readonly maxResults: number;
  /** What the page before named as its next; absent: the first page. */
  readonly pageToken?: string | undefined;
}

export interface Page<Item> {
  readonly items: readonly Item[];
  /** Undefined on the last page. */
  readonly nextPageToken: string | undefined;
}
