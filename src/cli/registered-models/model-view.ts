import type { RegisteredModel } from '../../core/model-registry.ts';
import { renderFields } from '../field-list.ts';
import { formatTime } from '../model-versions/version-columns.ts';
import type { Column } from '../output.ts';

/** What a table and CSV show of models. */
export const MODEL_COLUMNS: readonly Column<RegisteredModel>[] = [
  { heading: 'name', cell: ({ name }) => name },
  { heading: 'latest_versions', cell: listLatestVersions },
  { heading: 'aliases', cell: listAliases },
  { heading: 'last_updated', cell: ({ lastUpdateTimeMs }) => formatTime(lastUpdateTimeMs) },
];

/** All of a model for people. */
export function renderModel(model: RegisteredModel): string {
  return renderFields([
    ['name', model.name],
    ['description', model.description],
    ['latest versions', listLatestVersions(model)],
    ['aliases', listAliases(model)],
    ['created', formatTime(model.creationTimeMs)],
    ['updated', formatTime(model.lastUpdateTimeMs)],
    ...model.tags.map(({ key, value }) => [`tag ${key}`, value] as const),
  ]);
}

/** `2 (Production) 3 (Staging)` */
function listLatestVersions({ latestVersions }: RegisteredModel): string {
  return latestVersions.map(({ version, stage }) => `${version} (${stage})`).join(' ');
}

/** `champion=2 best=3` */
function listAliases({ aliases }: RegisteredModel): string {
  return aliases.map(({ alias, version }) => `${alias}=${version}`).join(' ');
}
