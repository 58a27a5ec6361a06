import type { ModelVersion } from '../../core/model-registry.ts';
import { dumpPythonJson } from '../../core/python-json.ts';
import type { TrackingStore } from '../../tracking/store.ts';

/** Where a logged model keeps the versions that were made of it (`mlflow/utils/mlflow_tags.py`). */
const VERSIONS_TAG = 'mlflow.modelVersions';

type ListedVersion = { readonly name: string; readonly version: number | string };

/** Adds a version to those that the logged model lists; a server may have done so already. */
export async function listVersionOn(
  modelId: string,
  { name, version }: ModelVersion,
  { loggedModels }: TrackingStore,
): Promise<void> {
  const { tags } = await loggedModels.get(modelId);
  const listed = parseVersions(tags.find(({ key }) => key === VERSIONS_TAG)?.value);
  const isListed = listed.some((one) => one.name === name && Number(one.version) === version);
  if (isListed) return;
  const value = dumpPythonJson([...listed, { name, version }]);
  await loggedModels.setTags(modelId, [{ key: VERSIONS_TAG, value }]);
}

/** What is no list is written anew. */
function parseVersions(text: string | undefined): readonly ListedVersion[] {
  try {
    const listed: unknown = JSON.parse(text ?? '[]');
    return Array.isArray(listed) ? listed : [];
  } catch {
    return [];
  }
}
