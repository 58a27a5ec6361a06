import { resolve } from 'node:path';
import type { Experiment } from '../../core/entities.ts';
import { compareTexts } from '../../tracking/search/comparison.ts';
import { renderMlflowTable } from '../mlflow-table.ts';

/** Sorted by id as text, and locations absolute, as `mlflow/experiments.py` shows them. */
export function renderExperimentList(experiments: readonly Experiment[], cwd: string): string {
  const rows = experiments.map(({ id, name, artifactLocation }) => [
    id,
    name,
    /^[a-z][a-z0-9+.-]*:/i.test(artifactLocation)
      ? artifactLocation
      : resolve(cwd, artifactLocation),
  ]);
  rows.sort(([a = ''], [b = '']) => compareTexts(a, b));
  return renderMlflowTable(['Experiment Id', 'Name', 'Artifact Location'], rows);
}
