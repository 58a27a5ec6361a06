import { posix } from 'node:path';
import { quotePath } from '../core/artifact-location.ts';
import { MltsError } from '../core/errors.ts';

/** The address that takes one part of a file by PUT. */
export interface PartAddress {
  /** Counts from 1. */
  readonly number: number;
  readonly url: string;
}

export interface StartedUpload {
  /** Undefined where the store needs none. */
  readonly uploadId: string | undefined;
  readonly parts: readonly PartAddress[];
}

/** A part as its sender tells of it. */
export interface SentPart extends PartAddress {
  /** As the store answered; empty where it did not. */
  readonly etag: string;
}

export interface SignedAddress {
  readonly url: string;
  /** To be sent along, else the signature does not fit. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface SignedDownload extends SignedAddress {
  readonly sizeBytes: number | undefined;
}

/**
 * Addresses by which others send and fetch files of a store by themselves, without credentials: each is signed for
 * one purpose, and ends after some time. Paths are those of the store.
 */
export interface DirectTransfers {
  /** @throws MltsError NOT_IMPLEMENTED where our credentials cannot sign. */
  startUpload(path: string, partCount: number, signal: AbortSignal): Promise<StartedUpload>;
  /** The file appears at `path`, in place of what is there. */
  finishUpload(
    path: string,
    uploadId: string,
    parts: readonly SentPart[],
    signal: AbortSignal,
  ): Promise<void>;
  /** What has arrived so far is dropped. */
  dropUpload(path: string, uploadId: string, signal: AbortSignal): Promise<void>;
  /** Set where no login is refused a signature: clients that are told of downloads by the server know no other way then. */
  readonly signsAllDownloads?: true;
  /** Undefined where our credentials cannot sign. @throws NotFound */
  signDownload?(
    path: string,
    expiresSeconds: number,
    signal: AbortSignal,
  ): Promise<SignedDownload | undefined>;
  /** For one PUT of a whole file. */
  signUpload?(path: string, expiresSeconds: number): Promise<SignedAddress>;
}

/** As long as MLflow allows for the parts of an upload. */
export const PART_EXPIRY_SECONDS = 3_600;

/** S3 and Google take no more of one file. */
export const MOST_PARTS = 10_000;

/** MLflow's clients know these words, and take another way then. */
export function notSupported(what: string, cause?: unknown): MltsError {
  return new MltsError(
    'NOT_IMPLEMENTED',
    `${what} is not supported for the current artifact repository`,
    { cause },
  );
}

export function partsNotSupported(cause?: unknown): MltsError {
  return notSupported('Multipart upload', cause);
}

/** The numbers of so many parts. */
export function listPartNumbers(count: number): readonly number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

/** As a download under its own name, whatever a browser would rather do with it (RFC 6266). */
export function nameAttachment(path: string): string {
  const name = posix.basename(path);
  if (/^[\x20-\x7e]*$/.test(name)) {
    return `attachment; filename="${name.replace(/[\\"]/g, '\\$&')}"`;
  }
  return `attachment; filename*=UTF-8''${quotePath(name)}`;
}
