import { isLocal } from '../../artifacts/artifact-uri.ts';
import { InvalidInput, NotFound } from '../../core/errors.ts';
import type { TrackingStore } from '../../tracking/store.ts';

const SCHEME = 'mlflow-artifacts:/';
const PAGE = 1_000;

/**
 * The two names of what lies on this machine: as it is stored, and as a command on the other side of the proxy
 * calls it, `mlflow-artifacts:/EXPERIMENT/...`. What lies elsewhere has one name, and is not passed through.
 */
export class ArtifactAddresses {
  readonly #tracking: TrackingStore;
  /** By experiment; undefined: not on this machine. It never changes. */
  readonly #locations = new Map<string, string | undefined>();

  constructor(tracking: TrackingStore) {
    this.#tracking = tracking;
  }

  /** What an address that is stored with this experiment is called outside. */
  async show(uri: string, experimentId: string): Promise<string> {
    const location = await this.#findLocation(experimentId);
    return rename(uri, location, SCHEME + experimentId) ?? uri;
  }

  /** As `show`, whichever experiment it belongs to. */
  async showAny(uri: string): Promise<string> {
    if (!isLocal(uri)) return uri;
    for await (const experimentId of this.#scanExperiments()) {
      const shown = await this.show(uri, experimentId);
      if (shown !== uri) return shown;
    }
    return uri;
  }

  /** What is stored for an address that a client names. */
  async keep(uri: string): Promise<string> {
    const path = /^mlflow-artifacts:(?:\/\/[^/]*)?\/+(.+)$/is.exec(uri)?.[1];
    const experimentId = path?.split('/')[0] ?? '';
    if (path === undefined) return uri;
    const location = await this.#findLocation(experimentId).catch(() => undefined);
    return rename(path, experimentId, location) ?? uri;
  }

  /**
   * Where an artifact lies that a client calls by its path outside.
   *
   * @throws NotFound for an experiment that is not there or lies elsewhere; InvalidInput for all of one.
   */
  async find(path: string): Promise<{ readonly root: string; readonly path: string }> {
    const [experimentId = '', ...inside] = path.split('/');
    const root = await this.#findLocation(experimentId);
    if (root === undefined) {
      throw new NotFound(`the artifacts of experiment ${experimentId} do not pass through here`);
    }
    if (inside.length === 0) {
      throw new InvalidInput(`\`${path}\` is all of an experiment, and no artifact of it`);
    }
    return { root, path: inside.join('/') };
  }

  /** @throws NotFound for an experiment that is not there. */
  async #findLocation(experimentId: string): Promise<string | undefined> {
    if (!this.#locations.has(experimentId)) {
      const { artifactLocation } = await this.#tracking.getExperiment(experimentId);
      const isOurs = isLocal(artifactLocation) && artifactLocation !== '';
      this.#locations.set(experimentId, isOurs ? artifactLocation : undefined);
    }
    return this.#locations.get(experimentId);
  }

  /** Those that are known come first. */
  async *#scanExperiments(): AsyncIterable<string> {
    yield* [...this.#locations.keys()];
    let pageToken: string | undefined;
    do {
      const page = await this.#tracking.searchExperiments({
        view: 'all',
        maxResults: PAGE,
        pageToken,
      });
      yield* page.items.map(({ id }) => id);
      pageToken = page.nextPageToken;
    } while (pageToken !== undefined);
  }
}

/** `uri` with `root`, in which it lies, called `name`; undefined where it lies elsewhere. */
function rename(
  uri: string,
  root: string | undefined,
  name: string | undefined,
): string | undefined {
  if (root === undefined || name === undefined) return undefined;
  const folder = root.replace(/\/+$/, '');
  if (uri === folder || uri.startsWith(`${folder}/`)) return name + uri.slice(folder.length);
  return undefined;
}
