import type { Experiment } from '../../core/entities.ts';
import { formatPythonJson } from '../../core/python-json.ts';

/** What `mlflow experiments get` prints; fields that only servers with traces fill are null. */
export function renderExperiment(experiment: Experiment, output: 'table' | 'json'): string {
  if (output === 'table') return renderFields(experiment);
  const { id, name, artifactLocation, lifecycleStage, tags } = experiment;
  const fields = {
    artifact_location: artifactLocation,
    creation_time: experiment.creationTimeMs ?? null,
    effective_trace_archival_retention: null,
    experiment_id: id,
    last_update_time: experiment.lastUpdateTimeMs ?? null,
    lifecycle_stage: lifecycleStage,
    name,
    tags: Object.fromEntries(tags.map(({ key, value }) => [key, value])),
    trace_location: null,
    workspace: 'default',
  };
  return formatPythonJson(fields, 2);
}

function renderFields(experiment: Experiment): string {
  const { id, name, artifactLocation, lifecycleStage, tags } = experiment;
  const fields: readonly (readonly [string, string | number])[] = [
    ['Experiment ID', id],
    ['Name', name],
    ['Artifact Location', artifactLocation],
    ['Lifecycle Stage', lifecycleStage],
    ['Creation Time', experiment.creationTimeMs ?? 'N/A'],
    ['Last Update Time', experiment.lastUpdateTimeMs ?? 'N/A'],
    ['Tags', tags.map(({ key, value }) => `${key}=${value}`).join(', ')],
  ];
  const width = Math.max(...fields.map(([label]) => label.length)) + 2;
  return fields.map(([label, value]) => `${label.padEnd(width)}: ${value}`).join('\n');
}
