import type { ModelVersion } from '../core/model-registry.ts';
import { dumpPythonJson, parseJsonList } from '../core/python-json.ts';
import type { TrackingStore } from './store.ts';

/** Where a logged model keeps the versions that were made of it (`mlflow/utils/mlflow_tags.py`). */
const VERSIONS_TAG = 'mlflow.modelVersions';

/**
 * Adds a version to those that the logged model lists (`mlflow/store/tracking/abstract_store.py`,
 * `set_model_versions_tags`); a server may have done so already. What is no list is written anew.
 */
export async function listVersionOn(
  modelId: string,
  { name, version }: Pick<ModelVersion, 'name' | 'version'>,
  { loggedModels }: Pick<TrackingStore, 'loggedModels'>,
): Promise<void> {
  const { tags } = await loggedModels.get(modelId);
  const listed = parseJsonList(tags.find(({ key }) => key === VERSIONS_TAG)?.value ?? '[]');
  if (listed.some((one) => isVersion(one, name, version))) return;
  const value = dumpPythonJson([...listed, { name, version }]);
  await loggedModels.setTags(modelId, [{ key: VERSIONS_TAG, value }]);
}

function isVersion(listed: unknown, name: string, version: number): boolean {
  const one = Object(listed) as { readonly name?: unknown; readonly version?: unknown };
  return one.name === name && Number(one.version) === version;
}
