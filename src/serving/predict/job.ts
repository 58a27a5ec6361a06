import type { ModelEnvironmentOptions } from '../model-process.ts';

/** What the input is written in. */
export const CONTENT_TYPES = ['json', 'csv', 'jsonl', 'parquet'] as const;
export type ContentType = (typeof CONTENT_TYPES)[number];

/** What the predictions are written in; `json` as MLflow writes them. */
export const OUTPUT_FORMATS = ['json', 'jsonl', 'csv', 'parquet'] as const;
export type OutputFormat = (typeof OUTPUT_FORMATS)[number];

/** A file of this machine to predict, and the one to write. */
export interface PredictJob {
  /** Absolute. */
  readonly input: string;
  /** Another text when the input is another one. */
  readonly identity: string;
  readonly contentType: ContentType;
  /** Absolute; appears when all of it is there. */
  readonly output: string;
  readonly format: OutputFormat;
  /** Whether what is done is kept beside the output when we are stopped. */
  readonly isResumable: boolean;
}

export interface PredictOptions {
  readonly environment: ModelEnvironmentOptions;
  /** Python processes that predict chunks side by side. */
  readonly workers: number;
  /** In chunks or whole; undefined: by the model and the size of the input. */
  readonly streams: boolean | undefined;
  readonly chunkBytes: number;
  /** Goes on with what an earlier one has left. */
  readonly resumes: boolean;
}
