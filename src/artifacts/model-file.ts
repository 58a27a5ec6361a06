import { parse } from 'yaml';
import { InvalidInput, NotFound } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { joinPath, showUri, splitUri } from './artifact-uri.ts';
import { openArtifactStore } from './open.ts';
import type { ArtifactStore } from './store.ts';

/** What makes a folder a model. */
const MODEL_FILE = 'MLmodel';
/** Far more than signatures and examples of inputs take. */
const MOST_BYTES = 16 * 1024 * 1024;

/** What an MLmodel file says of where the model comes from. */
export interface ModelOrigin {
  readonly runId: string | undefined;
  /** Since MLflow 3. */
  readonly modelId: string | undefined;
}

/**
 * Reads the MLmodel file of the folder at `location`, a path or URI; undefined where there is none.
 *
 * @throws InvalidInput for a file that is no YAML mapping, what the artifact store throws.
 */
export async function readModelOrigin(
  location: string,
  context: Context,
  trackingUri: string,
): Promise<ModelOrigin | undefined> {
  const { base, path } = splitUri(location);
  const store = await openArtifactStore(base, context, trackingUri);
  try {
    const text = await readText(store, joinPath(path, MODEL_FILE), context.interrupts.signal);
    return text === undefined ? undefined : parseOrigin(text, location);
  } finally {
    await store.close();
  }
}

async function readText(
  store: ArtifactStore,
  path: string,
  signal: AbortSignal,
): Promise<string | undefined> {
  try {
    const { stream } = await store.read(path, { offset: 0, version: undefined }, signal);
    let text = Buffer.alloc(0);
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      text = Buffer.concat([text, chunk]);
      if (text.length > MOST_BYTES) {
        throw new InvalidInput(`${path} is too large to be an MLmodel file`);
      }
    }
    return text.toString('utf8');
  } catch (error) {
    if (error instanceof NotFound) return undefined;
    throw error;
  }
}

function parseOrigin(text: string, location: string): ModelOrigin {
  const file = parseMapping(text);
  if (file === undefined) {
    throw new InvalidInput(`the MLmodel file in ${showUri(location)} is no YAML mapping`, {
      hint: 'save the model again: mlflow.<flavor>.save_model',
    });
  }
  return { runId: readId(file.run_id), modelId: readId(file.model_id) };
}

function parseMapping(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const file: unknown = parse(text, { version: '1.1' });
    const isMapping = typeof file === 'object' && file !== null && !Array.isArray(file);
    return isMapping ? (file as Readonly<Record<string, unknown>>) : undefined;
  } catch {
    return undefined;
  }
}

function readId(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' ? value : undefined;
}
