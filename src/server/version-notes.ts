import type { TrackingStore } from '../tracking/store.ts';

/** The tag in which a logged model keeps the registered versions that are made of it. */
const VERSIONS_TAG = 'mlflow.modelVersions';

/** As Python's JSON writes it (`mlflow/store/tracking/abstract_store.py`, `set_model_versions_tags`). */
export async function noteVersion(
  tracking: TrackingStore,
  modelId: string,
  name: string,
  version: number,
): Promise<void> {
  const { tags } = await tracking.loggedModels.get(modelId);
  const old = tags.find(({ key }) => key === VERSIONS_TAG)?.value ?? '[]';
  const note = `{"name": ${JSON.stringify(name)}, "version": ${version}}`;
  if (old.includes(note)) return;
  const value = /^\[\s*\]$/.test(old)
    ? `[${note}]`
    : `${old.slice(0, old.lastIndexOf(']'))}, ${note}]`;
  await tracking.loggedModels.setTags(modelId, [{ key: VERSIONS_TAG, value }]);
}
