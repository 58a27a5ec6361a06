import type { Experiment, Run, Tag } from '../../core/entities.ts';
import type { Terminal } from '../../host/terminal.ts';
import { renderSummary } from '../../projects/summary.ts';

/** What `mlts run` tells at its end, then params and tags. */
export function renderRun(run: Run, experiment: Experiment, style: Terminal['style']): string {
  const [, ...summary] = renderSummary(run, experiment.name, style);
  return [
    ...summary,
    ...renderValues('params', run.params, style),
    ...renderValues('tags', run.tags, style),
  ].join('\n');
}

function renderValues(
  title: string,
  values: readonly Tag[],
  style: Terminal['style'],
): readonly string[] {
  if (values.length === 0) return [];
  const width = Math.max(...values.map(({ key }) => key.length));
  const indented = ' '.repeat(width + 4);
  const lines = values.map(
    ({ key, value }) => `  ${key.padEnd(width)}  ${value.replaceAll('\n', `\n${indented}`)}`,
  );
  return ['', style.dim(title), ...lines];
}
