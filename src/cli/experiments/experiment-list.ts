import { resolve } from 'node:path';
import type { Experiment, Tag } from '../../core/entities.ts';
import { compareTexts } from '../../search/comparison.ts';
import { renderMlflowTable } from '../mlflow-table.ts';
import type { Column } from '../output.ts';

/** By id as text: what `mlflow/experiments.py` makes of any order. */
export function sortAsMlflow(experiments: readonly Experiment[]): readonly Experiment[] {
  return [...experiments].sort((a, b) => compareTexts(a.id, b.id));
}

/** The table of `mlflow experiments search`: locations absolute. */
export function renderExperimentList(experiments: readonly Experiment[], cwd: string): string {
  const rows = experiments.map(({ id, name, artifactLocation }) => [
    id,
    name,
    /^[a-z][a-z0-9+.-]*:/i.test(artifactLocation)
      ? artifactLocation
      : resolve(cwd, artifactLocation),
  ]);
  return renderMlflowTable(['Experiment Id', 'Name', 'Artifact Location'], rows);
}

/** An experiment as MLflow's REST API writes it. */
interface ExperimentJson {
  readonly experiment_id: string;
  readonly name: string;
  readonly artifact_location: string;
  readonly lifecycle_stage: string;
  readonly creation_time: number | undefined;
  readonly last_update_time: number | undefined;
  readonly tags: readonly Tag[];
}

export function toExperimentJson(experiment: Experiment): ExperimentJson {
  return {
    experiment_id: experiment.id,
    name: experiment.name,
    artifact_location: experiment.artifactLocation,
    lifecycle_stage: experiment.lifecycleStage,
    creation_time: experiment.creationTimeMs,
    last_update_time: experiment.lastUpdateTimeMs,
    tags: experiment.tags,
  };
}

export const EXPERIMENT_COLUMNS: readonly Column<ExperimentJson>[] = [
  { heading: 'experiment_id', cell: ({ experiment_id: id }) => id },
  { heading: 'name', cell: ({ name }) => name },
  { heading: 'artifact_location', cell: ({ artifact_location: location }) => location },
  { heading: 'lifecycle_stage', cell: ({ lifecycle_stage: stage }) => stage },
  { heading: 'creation_time', cell: ({ creation_time: time }) => formatTime(time) },
  { heading: 'last_update_time', cell: ({ last_update_time: time }) => formatTime(time) },
];

function formatTime(timeMs: number | undefined): string {
  return timeMs === undefined ? '' : new Date(timeMs).toISOString();
}
