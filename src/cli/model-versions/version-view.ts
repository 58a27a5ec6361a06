import type { ModelVersion } from '../../core/model-registry.ts';
import { renderFields } from '../field-list.ts';
import { formatTime } from './version-columns.ts';

/** All of a version for people. */
export function renderVersion(version: ModelVersion): string {
  return renderFields([
    ['name', version.name],
    ['version', String(version.version)],
    ['stage', version.stage],
    ['aliases', version.aliases.join(' ')],
    ['description', version.description],
    ['source', version.source],
    ['run', version.runId],
    ['logged model', version.modelId],
    ['status', version.status],
    ['reason', version.statusMessage],
    ['created', formatTime(version.creationTimeMs)],
    ['updated', formatTime(version.lastUpdateTimeMs)],
    ...version.tags.map(({ key, value }) => [`tag ${key}`, value] as const),
  ]);
}
