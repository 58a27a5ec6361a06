import type { ModelReference } from '../../artifacts/model-uri.ts';
import { NotFound } from '../../core/errors.ts';
import type { ModelVersion } from '../../core/model-registry.ts';
import type { RegistryStore } from '../../registry/store.ts';

/** What names a version of a registered model. */
export type VersionReference = Exclude<ModelReference, { readonly by: 'id' }>;

/** The version that a `models:` URI means (`mlflow/store/artifact/utils/models.py`). @throws NotFound */
export async function findVersion(
  reference: VersionReference,
  store: RegistryStore,
): Promise<ModelVersion> {
  const { name } = reference;
  if (reference.by === 'version') return store.getVersion(name, Number(reference.version));
  const { aliases, latestVersions } = await store.getModel(name);
  switch (reference.by) {
    case 'alias': {
      const held = aliases.find(({ alias }) => alias === reference.alias);
      if (held === undefined) throw noSuchVersion(name, `with the alias \`${reference.alias}\``);
      return store.getVersion(name, held.version);
    }
    case 'stage': {
      const stage = reference.stage.toLowerCase();
      const latest = latestVersions.find((version) => version.stage.toLowerCase() === stage);
      if (latest === undefined) throw noSuchVersion(name, `in stage \`${reference.stage}\``);
      return latest;
    }
    case 'latest': {
      const latest = latestVersions.at(-1);
      if (latest === undefined) throw noSuchVersion(name, 'yet');
      return latest;
    }
  }
}

function noSuchVersion(name: string, which: string): NotFound {
  return new NotFound(`model \`${name}\` has no version ${which}`, {
    hint: `list what there is: mlts model-versions search --filter "name = '${name}'"`,
  });
}
