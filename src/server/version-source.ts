import { posix } from 'node:path';
import { type ModelReference, parseModelUri } from '../artifacts/model-uri.ts';
import { findVersion } from '../artifacts/resolver.ts';
import { unquoteFully, unquotePath } from '../core/artifact-location.ts';
import type { Tag } from '../core/entities.ts';
import { InvalidInput, NotFound } from '../core/errors.ts';
import { isBelow } from '../host/folders.ts';
import { PROMPT_TAG } from '../registry/prompt-filter.ts';
import type { RegistryStore } from '../registry/store.ts';
import { checkHost } from './location-rules.ts';
import type { Services } from './services.ts';

/** Where a new version's files are said to lie, and what made them; undefined: not said. */
export interface VersionSource {
  readonly source: string;
  readonly runId: string | undefined;
  readonly modelId: string | undefined;
}

/**
 * Follows a source that names another version, and makes sure that a source on this machine or behind its
 * artifact proxy belongs to the run or the logged model it is said to come from: else anybody could read any
 * file through a model version (`mlflow/server/handlers.py`, `_create_model_version`).
 *
 * @throws InvalidInput
 */
export async function checkVersionSource(
  sent: VersionSource,
  services: Services,
): Promise<VersionSource> {
  const resolved = await followVersion(sent, services.registry);
  const { source } = resolved;
  const owner = resolved.modelId ? 'model_id' : 'run_id';
  if (isLocal(source)) {
    const root = await findRoot(resolved, services);
    if (root !== undefined && isLocal(root) && (await isBelow(toPath(source), toPath(root))))
      return resolved;
    throw wrongSource(source, `a path must lie below the artifacts of what \`${owner}\` names`);
  }
  refuseTraversal(source);
  checkHost(source, services.trustedLocations);
  if (await isOwned(resolved, services)) return resolved;
  throw wrongSource(source, `\`${owner}\` must name what it belongs to`);
}

const PROMPT_SOURCES: readonly string[] = ['dummy-source', 'prompt-template'];

/** A version of a prompt has no files: one of MLflow's placeholders stands in their place. */
export function isPromptSource(source: string, tags: readonly Tag[]): boolean {
  const mark = tags.findLast(({ key }) => key === PROMPT_TAG)?.value ?? '';
  if (mark.toLowerCase() !== 'true') return false;
  if (PROMPT_SOURCES.includes(source)) return true;
  throw wrongSource(source, 'a prompt has a placeholder there');
}

async function followVersion(sent: VersionSource, registry: RegistryStore): Promise<VersionSource> {
  if (!sent.source.startsWith('models:')) return sent;
  const { model } = readModelUri(sent.source);
  if (model.by === 'id') return sent;
  const { name, tags } = await registry.getModel(model.name);
  if (tags.some(({ key, value }) => key === PROMPT_TAG && value === 'true')) {
    throw wrongSource(sent.source, 'a prompt is no model');
  }
  const found = await findVersion(registry, model, 'store').catch((error: unknown) => {
    if (model.by !== 'alias' || !(error instanceof NotFound)) throw error;
    throw wrongSource(sent.source, 'there is no such alias');
  });
  if (disagree(sent.runId, found.runId) || disagree(sent.modelId, found.modelId)) {
    throw wrongSource(sent.source, '`run_id` and `model_id` must be those of the version it names');
  }
  return {
    source: `models:/${name}/${found.version}`,
    runId: sent.runId ?? found.runId,
    modelId: sent.modelId ?? found.modelId,
  };
}

function readModelUri(source: string): { readonly model: ModelReference } {
  try {
    return parseModelUri(source);
  } catch (cause) {
    throw new InvalidInput(`the source \`${source}\` names no model`, { cause });
  }
}

/** What was not said agrees with everything. */
function disagree(said: string | undefined, stored: string | undefined): boolean {
  return said !== undefined && said !== (stored ?? '');
}

/** Where the artifacts of the logged model, or else of the run, lie. */
async function findRoot(
  { source, runId, modelId }: VersionSource,
  { tracking }: Services,
): Promise<string | undefined> {
  try {
    if (modelId) return (await tracking.loggedModels.get(modelId)).artifactUri;
    if (runId) return (await tracking.getRun(runId)).info.artifactUri;
    return undefined;
  } catch (error) {
    if (!(error instanceof NotFound)) throw error;
    throw wrongSource(source, 'what it is said to belong to is not there');
  }
}

async function isOwned(version: VersionSource, services: Services): Promise<boolean> {
  const { source, runId, modelId } = version;
  if (source.startsWith('runs:')) {
    const id = /^runs:\/+([^/]+)/.exec(source)?.[1];
    return !modelId && !/^runs:\/\/[^/]/.test(source) && Boolean(runId) && id === runId;
  }
  if (source.startsWith('models:')) {
    if (/^models:\/\/[^/]/.test(source)) return false;
    const { model } = readModelUri(source);
    return model.by !== 'id' || (Boolean(modelId) && model.modelId === modelId);
  }
  if (!isProxied(source)) return true;
  const root = await findRoot(version, services);
  return root !== undefined && isWithin(source, root);
}

const PROXY_ROUTE = /^https?:.*\/api\/2\.0\/mlflow-artifacts\/artifacts(\/|$)/is;

function isProxied(source: string): boolean {
  return /^mlflow-artifacts:/i.test(source) || PROXY_ROUTE.test(unquoteAll(source));
}

function isWithin(source: string, root: string): boolean {
  const [from, below] = [listParts(source), listParts(root)];
  return below.length > 1 && below.every((part, index) => from[index] === part);
}

/** The scheme and host, then the parts of the path. */
function listParts(uri: string): readonly string[] {
  const [, scheme = '', path = ''] = /^([a-z][\w+.-]*:(?:\/\/[^/]*)?)(.*)$/is.exec(uri) ?? [];
  const parts = path.split(/[?#]/)[0]?.split('/').filter(Boolean).map(unquoteAll) ?? [];
  return [scheme.replace(/\/+$/, '').toLowerCase(), ...parts];
}

/** A path, or a `file:` URI. */
function isLocal(location: string): boolean {
  return !/^[a-z][a-z0-9+.-]+:/i.test(location) || /^file:/i.test(location);
}

function toPath(location: string): string {
  const [, path] = /^file:(?:\/\/[^/]*)?(\/.*)$/is.exec(location) ?? [];
  return path === undefined ? location : unquotePath(path);
}

/** @throws InvalidInput for `..` however it is quoted, and for what is no plain path. */
function refuseTraversal(source: string): void {
  const plain = unquoteAll(source);
  const path = plain.replace(/^[a-z][\w+.-]*:(\/\/[^/]*)?/i, '').split(/[?#]/)[0] ?? '';
  const squeezed = path.replace(/\/+/g, '/').replace(/\/$/, '');
  const isPlain = squeezed.startsWith('/') && posix.normalize(squeezed) === squeezed;
  if (isPlain && !plain.includes('\0') && !plain.split('/').includes('..')) return;
  throw wrongSource(source, 'it must be absolute, without `.` and `..`');
}

const MOST_LAYERS = 20;

function unquoteAll(text: string): string {
  const plain = unquoteFully(text, MOST_LAYERS);
  if (plain !== undefined) return plain;
  throw new InvalidInput('the source is percent-encoded too many times');
}

function wrongSource(source: string, why: string): InvalidInput {
  return new InvalidInput(`\`${source}\` cannot be the source of a model version: ${why}`);
}
