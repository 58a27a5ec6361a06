import type { Mlmodel } from './mlmodel.ts';

/** A model that lies on this machine. */
export interface LocalModel {
  /** As it was asked for; credentials are masked. */
  readonly uri: string;
  /** Absolute. */
  readonly folder: string;
  readonly file: Mlmodel;
  /** What the registry calls it, where it was asked for by that. */
  readonly registered?: { readonly name: string; readonly version: string } | undefined;
}
