import type { Readable } from 'node:stream';
import type { Checksum } from './checksum.ts';
import type { DirectTransfers } from './direct.ts';
import type { ModelReference } from './model-uri.ts';

/** One entry of a folder; `path` counts from the store's root, with `/` between its parts. */
export interface ArtifactEntry {
  readonly path: string;
  readonly isDirectory: boolean;
  readonly sizeBytes: number | undefined;
  /** Another text when the content is another one; absent where the store does not say. */
  readonly version?: string | undefined;
}

/** Where a read that broke off goes on. */
export interface ResumePoint {
  readonly offset: number;
  /** The `version` of the part that has arrived; undefined: nothing says that it is still the same file. */
  readonly version: string | undefined;
}

export interface ArtifactContent {
  readonly stream: Readable;
  /** Where the stream begins in the file: the offset that was asked for, or 0 where it starts anew. */
  readonly offset: number;
  /** Of the whole file; undefined where the store does not say. */
  readonly sizeBytes: number | undefined;
  readonly version: string | undefined;
  /** Where the store knows one; told with the start of a file only. */
  readonly checksum?: Checksum | undefined;
}

/**
 * A place below which artifacts lie. Paths are relative, `/` between their parts; '' is the root.
 *
 * Every method throws `NotFound`, `Unavailable` where the store cannot be reached, `MltsError` with
 * PERMISSION_DENIED or UNAUTHENTICATED where we may not read or write.
 */
export interface ArtifactStore {
  /** What lies directly in a folder; nothing for a file and, in most stores, for what does not exist. */
  list(path: string, signal: AbortSignal): Promise<readonly ArtifactEntry[]>;
  read(path: string, from: ResumePoint, signal: AbortSignal): Promise<ArtifactContent>;
  /**
   * Puts a local file at `path`, in place of what is there. It appears under this name when all of it
   * has arrived, never before.
   */
  write(path: string, source: UploadSource): Promise<void>;
  /**
   * Removes a file, or a folder with all below it; '' is all of the store (`delete_artifacts`). What is
   * gone already is no error.
   *
   * @throws InvalidInput where that would be a whole bucket, server or disk.
   */
  delete(path: string, signal: AbortSignal): Promise<TreeSize>;
  /** Only in stores that keep empty folders. */
  makeFolder?(path: string): Promise<void>;
  close(): Promise<void>;
  /** Absent where others cannot reach the store by themselves. */
  readonly direct?: DirectTransfers;
}

/** Of a file, or of a folder and all below it. */
export interface TreeSize {
  readonly files: number;
  /** Of the files whose size is known. */
  readonly sizeBytes: number;
}

/** A local file on its way into a store. */
export interface UploadSource {
  /** Its absolute path. */
  readonly file: string;
  readonly sizeBytes: number;
  readonly signal: AbortSignal;
  /** Called as bytes leave; negative where some have to be sent again. */
  readonly onBytes: (count: number) => void;
}

/** Where the artifacts of runs and models lie. Each throws `NotFound` for what is not there. */
export interface ArtifactResolver {
  /** `mlflow-artifacts:` is served by this server; any tracking URI may stand here. */
  readonly trackingUri: string;
  artifactUriOfRun(runId: string): Promise<string>;
  /** Where the model lies that a run logged under `name`: since MLflow 3 not among the run's artifacts. */
  findModelOfRun(runId: string, name: string): Promise<ModelLocation | undefined>;
  locateModel(model: ModelReference): Promise<ModelLocation>;
}

export interface ModelLocation {
  readonly uri: string;
  /** Another text when the model is another one: its files are taken not to change meanwhile. */
  readonly identity: string;
  /** Set for a version in the registry; absent for a model named by its id. */
  readonly registered?: { readonly name: string; readonly version: string };
}
