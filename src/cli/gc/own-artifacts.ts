import { schemeOf } from '../../artifacts/artifact-uri.ts';
import { openArtifactStore } from '../../artifacts/open.ts';
import { resolveAtDestination, splitOwnFolder } from '../../artifacts/own-folder.ts';
import type { ArtifactStore, TreeSize } from '../../artifacts/store.ts';
import { measureTree } from '../../artifacts/tree.ts';
import { variables } from '../../core/environment-variables.ts';
import type { Context } from '../../host/context.ts';
import type { GarbageItem } from '../../tracking/garbage.ts';

export interface OwnArtifactsOptions {
  /** `mlflow-artifacts:` is served by this server; any tracking URI may stand here. */
  readonly trackingUri: string;
  /** Where that server keeps them, for those who cannot reach it. */
  readonly destination: string | undefined;
  /** Each is asked for as in its own workspace. */
  readonly hasWorkspaces: boolean;
}

const NOTHING: TreeSize = { files: 0, sizeBytes: 0 };

/** The artifacts of runs and logged models; those beside each other share a store and its connections. */
export class OwnArtifacts {
  readonly #stores = new Map<string, Promise<ArtifactStore>>();
  readonly #options: OwnArtifactsOptions;
  readonly #context: Context;

  constructor(options: OwnArtifactsOptions, context: Context) {
    this.#options = options;
    this.#context = context;
  }

  async measure(item: GarbageItem): Promise<TreeSize> {
    const { signal } = this.#context.interrupts;
    return this.#visit(item, (store, path) => measureTree(store, path, signal));
  }

  /** What is gone already is no error. */
  async delete(item: GarbageItem): Promise<TreeSize> {
    const { signal } = this.#context.interrupts;
    return this.#visit(item, (store, path) => store.delete(path, signal));
  }

  async close(): Promise<void> {
    for (const store of this.#stores.values()) await (await store.catch(() => undefined))?.close();
  }

  async #visit(
    item: GarbageItem,
    work: (store: ArtifactStore, path: string) => Promise<TreeSize>,
  ): Promise<TreeSize> {
    if (item.artifactUri === '') return NOTHING;
    const { base, path } = splitOwnFolder(this.#locate(item), item.id, this.#context.cwd);
    return work(await this.#open(base, item.workspace), path);
  }

  /** A server that can be reached is asked, as MLflow asks it. */
  #locate({ artifactUri }: GarbageItem): string {
    const { destination, trackingUri } = this.#options;
    const isServed = schemeOf(artifactUri) === 'mlflow-artifacts';
    if (!isServed || !destination || /^https?:/i.test(trackingUri)) return artifactUri;
    return resolveAtDestination(artifactUri, destination);
  }

  #open(base: string, workspace: string): Promise<ArtifactStore> {
    const { trackingUri, hasWorkspaces } = this.#options;
    const key = hasWorkspaces ? `${workspace} ${base}` : base;
    const known = this.#stores.get(key);
    if (known !== undefined) return known;
    const env = { ...this.#context.env, [variables.workspace]: workspace };
    const context = hasWorkspaces ? { ...this.#context, env } : this.#context;
    const opened = openArtifactStore(base, context, trackingUri);
    this.#stores.set(key, opened);
    return opened;
  }
}
