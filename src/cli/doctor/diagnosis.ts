import { machine, release, version as systemVersion, type } from 'node:os';
import { variables } from '../../core/environment-variables.ts';
import { MltsError } from '../../core/errors.ts';
import type { ProcessContext } from '../../host/process-context.ts';
import { resolveTrackingUri } from '../../tracking/open.ts';
import { inspectStore, type StoreState } from '../../tracking/store-state.ts';
import { version } from '../version.ts';
import { type Cache, measureCaches } from './caches.ts';
import { findPrograms, type Program } from './programs.ts';
import { listSettings, type Setting } from './settings.ts';

/** A store, or why it cannot be used. */
export type StoreFinding =
  | { readonly uri: string; readonly state: StoreState }
  | { readonly uri: string; readonly problem: MltsError };

/** Everything that a bug report needs; nothing secret in it. */
export interface Diagnosis {
  readonly system: string;
  readonly systemRelease: string;
  readonly version: string;
  readonly nodeVersion: string;
  readonly program: string;
  readonly tracking: StoreFinding;
  readonly registry: StoreFinding;
  readonly settings: readonly Setting[];
  readonly programs: readonly Program[];
  readonly caches: readonly Cache[];
}

/** Looks at everything at once; makes and changes nothing. */
export async function diagnose(masksAll: boolean, context: ProcessContext): Promise<Diagnosis> {
  const trackingUri = await resolveTrackingUri(context);
  const registryUri = context.env[variables.registryUri] || trackingUri;
  const [tracking, registry, programs, caches] = await Promise.all([
    findStore(trackingUri, context),
    findStore(registryUri, context),
    findPrograms(context),
    measureCaches(context),
  ]);
  return {
    // As Python's `platform` names it.
    system: `${type()} ${systemVersion()}`,
    systemRelease: `${release()} ${machine()}`,
    version,
    nodeVersion: process.versions.node,
    program: process.argv[1] ?? '',
    tracking,
    registry,
    settings: listSettings(context.env, masksAll),
    programs,
    caches,
  };
}

async function findStore(uri: string, context: ProcessContext): Promise<StoreFinding> {
  try {
    return { uri, state: await inspectStore(uri, context) };
  } catch (error) {
    if (error instanceof MltsError) return { uri, problem: error };
    throw error;
  }
}

/** What is broken, told once where both stores are one. */
export function listProblems({ tracking, registry }: Diagnosis): readonly MltsError[] {
  const findings = registry.uri === tracking.uri ? [tracking] : [tracking, registry];
  return findings.flatMap(
    (finding) => ('problem' in finding ? finding.problem : finding.state.refusal) ?? [],
  );
}
