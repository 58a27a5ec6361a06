import { InvalidInput } from '../core/errors.ts';
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

export interface LocatedPlace extends ArtifactPlace {
  /** Set in a model: another text when it is another one. */
  readonly identity?: string;
}

export interface LocatedArtifact {
  /** Where it may lie, the likeliest first. */
  readonly places: readonly LocatedPlace[];
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
): Promise<readonly LocatedPlace[]> {
  const { runId, path } = parseRunUri(uri);
  const [name = '', ...rest] = path.split('/');
  const base = await resolver.artifactUriOfRun(runId);
  const model = name === '' ? undefined : await resolver.findModelOfRun(runId, name);
  const inRun = { base, path };
  if (model === undefined) return [inRun];
  return [{ base: model.uri, path: rest.join('/'), identity: model.identity }, inRun];
}

async function locateModel(uri: string, resolver: ArtifactResolver): Promise<LocatedArtifact> {
  const { model, path } = parseModelUri(uri);
  const location = await resolver.locateModel(model);
  const bases = await followModelSource(location, resolver, MOST_STEPS);
  return {
    places: bases.map((place) => ({ ...place, path: joinPath(place.path, path) })),
    name: chooseName(uri, path || (model.by === 'id' ? model.modelId : model.name)),
    registered: path === '' ? location.registered : undefined,
  };
}

const MOST_STEPS = 5;

/** A version may have been registered from `runs:/...` or `models:/...`, with a path behind it. */
async function followModelSource(
  { uri, identity }: ModelLocation,
  resolver: ArtifactResolver,
  stepsLeft: number,
): Promise<readonly LocatedPlace[]> {
  if (stepsLeft === 0) throw new InvalidInput(`the sources of a model lead in a circle: ${uri}`);
  switch (schemeOf(uri)) {
    case 'runs':
      return (await locateInRun(uri, resolver)).map((place) => ({ identity, ...place }));
    case 'models': {
      const { model, path } = parseModelUri(uri);
      const next = await resolver.locateModel(model);
      const places = await followModelSource(next, resolver, stepsLeft - 1);
      return places.map((place) => ({ ...place, path: joinPath(place.path, path) }));
    }
    default:
      return [{ base: uri, path: '', identity }];
  }
}
