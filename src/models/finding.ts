/**
 * `error`: the model cannot be loaded or answers wrongly; `warning`: it may one day, or elsewhere; `note`: what
 * one has to know of it.
 */
export type FindingLevel = 'error' | 'warning' | 'note';

/** What a check of a model found, and the mend. */
export interface Finding {
  readonly level: FindingLevel;
  /** Its name for scripts: `missing-signature`. */
  readonly rule: string;
  readonly message: string;
  readonly hint: string;
}
