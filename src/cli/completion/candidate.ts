/** One thing that the word at the cursor may become. */
export interface Candidate {
  readonly value: string;
  /** Shown beside it by shells that can. */
  readonly description?: string | undefined;
}

export interface Candidates {
  readonly found: readonly Candidate[];
  /** The shell completes paths, too. */
  readonly takesFiles?: boolean;
}

export const NOTHING: Candidates = { found: [] };
/** Asks the shell for paths; no value starts with a colon. */
const FILES_LINE = ':files';

/** Keeps what begins with `typed`; what no line of a shell can hold (a name with a tab in it) is left out. */
export function filterCandidates({ found, takesFiles }: Candidates, typed: string): Candidates {
  const fitting = found.filter(({ value }) => value.startsWith(typed) && !/^:|\p{Cc}/u.test(value));
  return { found: fitting, takesFiles: takesFiles ?? false };
}

/** A line for each, description after a tab, as the scripts of `mlts completion` read it. */
export function renderCandidates({ found, takesFiles }: Candidates): string {
  const lines = found.map(({ value, description = '' }) =>
    `${value}\t${description.split('\n')[0]?.replace(/\p{Cc}+/gu, ' ')}`.trimEnd(),
  );
  return [...lines, ...(takesFiles ? [FILES_LINE] : [])].join('\n');
}
