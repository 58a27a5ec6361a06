import type { DatasetInput, Experiment, Run, RunLinks, Tag } from '../../core/entities.ts';
import type { LoggedModel } from '../../core/logged-model.ts';
import type { Terminal } from '../../host/terminal.ts';
import { renderSummary } from '../../projects/summary.ts';

/** A run with what it was given and made; models by id, with their name and status where they are known. */
export interface RunView {
  readonly run: Run;
  readonly experiment: Experiment;
  readonly links: RunLinks;
  readonly models: ReadonlyMap<string, LoggedModel>;
}

/** What `mlts run` tells at its end, then params and tags, datasets and models. */
export function renderRun(
  { run, experiment, links, models }: RunView,
  style: Terminal['style'],
): string {
  const [, ...summary] = renderSummary(run, experiment.name, style);
  const describeModel = (modelId: string): Tag => {
    const model = models.get(modelId);
    return { key: modelId, value: model === undefined ? '' : `${model.name}  ${model.status}` };
  };
  return [
    ...summary,
    ...renderValues('params', run.params, style),
    ...renderValues('tags', run.tags, style),
    ...renderValues('datasets', links.datasetInputs.map(describeDataset), style),
    ...renderValues('models used', links.modelInputs.map(describeModel), style),
    ...renderValues(
      'models made',
      links.modelOutputs.map(({ modelId }) => describeModel(modelId)),
      style,
    ),
  ].join('\n');
}

/** The digest, and what the dataset was used for. */
function describeDataset({ dataset, tags }: DatasetInput): Tag {
  const context = tags.find(({ key }) => key === 'mlflow.data.context')?.value;
  return { key: dataset.name, value: [dataset.digest, context].filter(Boolean).join('  ') };
}

function renderValues(
  title: string,
  values: readonly Tag[],
  style: Terminal['style'],
): readonly string[] {
  if (values.length === 0) return [];
  const width = Math.max(...values.map(({ key }) => key.length));
  const indented = ' '.repeat(width + 4);
  const lines = values.map(({ key, value }) =>
    `  ${key.padEnd(width)}  ${value.replaceAll('\n', `\n${indented}`)}`.trimEnd(),
  );
  return ['', style.dim(title), ...lines];
}
