import { InvalidInput, MltsError, Unavailable } from '../core/errors.ts';
import {
  type ArtifactPlace,
  decodeLeniently,
  isReadable,
  joinPath,
  parseRunUri,
  schemeOf,
  showUri,
  splitSafely,
  splitUri,
  unsupportedScheme,
} from './artifact-uri.ts';
import { parseModelUri } from './model-uri.ts';
import type { ArtifactResolver, ModelLocation } from './store.ts';

export interface LocatedArtifact {
  /** Where it may lie, the likeliest first. */
  readonly places: readonly ArtifactPlace[];
  /** What it is called here: the last part of its address, or the model's own name. */
  readonly name: string;
  /** Set where it is all of a registered model version. */
  readonly registered: ModelLocation['registered'];
}

/**
 * Finds the store in which an artifact lies: follows `runs:` and `models:` to what they stand for.
 *
 * @throws InvalidInput for a malformed URI or a path with `..`, NotFound for an unknown run or model,
 * MltsError NOT_IMPLEMENTED where it lies in a store that mlts cannot read.
 */
export async function locateArtifact(
  uri: string,
  resolver: ArtifactResolver,
): Promise<LocatedArtifact> {
  const located = await follow(uri, resolver);
  for (const { base, path } of located.places) {
    if (!isReadable(base)) throw unsupportedScheme(joinPath(base.replace(/\/$/, ''), path));
    if (path !== '') splitSafely(path, '');
  }
  return located;
}

async function follow(uri: string, resolver: ArtifactResolver): Promise<LocatedArtifact> {
  switch (schemeOf(uri)) {
    case 'runs':
      return {
        places: await locateInRun(uri, resolver),
        name: chooseName(uri, parseRunUri(uri).path),
        registered: undefined,
      };
    case 'models':
      return locateModel(uri, resolver);
    default: {
      const place = splitUri(uri);
      return {
        places: [place],
        name: chooseName(uri, place.path || lastOf(place.base)),
        registered: undefined,
      };
    }
  }
}

/** The last part of a web address, its query left out; '' for one without a path. */
function lastOf(address: string): string {
  const pathname = URL.parse(address)?.pathname ?? '';
  return decodeLeniently(pathname.split('/').at(-1) ?? '');
}

/** @throws InvalidInput for a path that ends with something that no file can be called. */
function chooseName(uri: string, path: string): string {
  const name = path.split('/').at(-1) ?? '';
  if (name === '') return 'artifacts';
  if (!['.', '..'].includes(name) && !name.includes('\0')) return name;
  throw new InvalidInput(`${showUri(uri)} has no name that a file could have here`);
}

/** A model that the run logged under the first part of the path comes before the run's own files. */
async function locateInRun(
  uri: string,
  resolver: ArtifactResolver,
): Promise<readonly ArtifactPlace[]> {
  const { runId, path } = parseRunUri(uri);
  const [name = '', ...rest] = path.split('/');
  const base = await resolver.artifactUriOfRun(runId);
  const model = name === '' ? undefined : await resolver.findModelOfRun?.(runId, name);
  const inModel = model === undefined ? [] : [{ base: model, path: rest.join('/') }];
  return [...inModel, { base, path }];
}

async function locateModel(uri: string, resolver: ArtifactResolver): Promise<LocatedArtifact> {
  const { model, path } = parseModelUri(uri);
  if (resolver.locateModel === undefined) {
    throw new MltsError(
      'NOT_IMPLEMENTED',
      `mlts finds models only on an MLflow server yet: ${uri}`,
      {
        hint: 'set MLFLOW_TRACKING_URI to a server, or pass the local path of the model',
      },
    );
  }
  const location = await resolver.locateModel(model);
  const bases = await followModelSource(location.uri, resolver, 5);
  return {
    places: bases.map((place) => ({ ...place, path: joinPath(place.path, path) })),
    name: chooseName(uri, path || (model.by === 'id' ? model.modelId : model.name)),
    registered: path === '' ? location.registered : undefined,
  };
}

/** A version may have been registered from `runs:/...` or `models:/m-...`. */
async function followModelSource(
  uri: string,
  resolver: ArtifactResolver,
  stepsLeft: number,
): Promise<readonly ArtifactPlace[]> {
  if (stepsLeft === 0) throw new Unavailable(`the sources of a model lead in a circle: ${uri}`);
  if (schemeOf(uri) === 'runs') return locateInRun(uri, resolver);
  if (schemeOf(uri) !== 'models') return [{ base: uri, path: '' }];
  const { model } = parseModelUri(uri);
  const next = await resolver.locateModel?.(model);
  return followModelSource(next?.uri ?? uri, resolver, stepsLeft - 1);
}
