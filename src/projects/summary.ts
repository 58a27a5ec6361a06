import type { Run } from '../core/entities.ts';
import { quoteForShell } from '../core/shell-word.ts';
import type { Terminal } from '../host/terminal.ts';
import type { Project } from './project.ts';

/** What is told when a run has ended: the run, its metrics, and what to type next. Pure but for styles. */
export function renderSummary(
  run: Run,
  experimentName: string,
  style: Terminal['style'],
): string[] {
  const { info } = run;
  const rows: [label: string, value: string][] = [
    ['run', `${style.bold(info.name)} (${info.id})`],
    ['status', colorStatus(info.status, style) + renderDuration(info.startTimeMs, info.endTimeMs)],
    ['experiment', `${experimentName} (${info.experimentId})`],
    ['artifacts', info.artifactUri],
  ];
  const width = Math.max(...rows.map(([label]) => label.length));
  return [
    '',
    ...rows.map(([label, value]) => `${style.dim(label.padEnd(width))}  ${value}`),
    ...renderMetrics(run, style),
  ];
}

function renderMetrics({ metrics }: Run, style: Terminal['style']): string[] {
  if (metrics.length === 0) return [];
  const sorted = [...metrics].sort((a, b) => (a.key < b.key ? -1 : 1));
  const width = Math.max(...sorted.map(({ key }) => key.length));
  return [
    '',
    style.dim('metrics'),
    ...sorted.map(({ key, value }) => `  ${key.padEnd(width)}  ${formatMetric(value)}`),
  ];
}

/** Six significant digits, as people read them; whole numbers whole. */
export function formatMetric(value: number): string {
  if (!Number.isFinite(value) || Number.isInteger(value)) return String(value);
  return String(Number(value.toPrecision(6)));
}

function renderDuration(startMs: number | undefined, endMs: number | undefined): string {
  if (startMs === undefined || endMs === undefined) return '';
  const seconds = (endMs - startMs) / 1_000;
  if (seconds < 60) return ` in ${seconds.toFixed(1)} s`;
  return ` in ${Math.floor(seconds / 60)} min ${Math.round(seconds % 60)} s`;
}

function colorStatus(status: Run['info']['status'], style: Terminal['style']): string {
  if (status === 'FINISHED') return style.green(status);
  return status === 'RUNNING' || status === 'SCHEDULED' ? status : style.red(status);
}

/** Lines to type next: the project's other entry points with what they require, then where to look. */
export function renderNextSteps(
  project: Project,
  uri: string,
  entryPoint: string,
  storeUri: string,
  style: Terminal['style'],
): string[] {
  const others = project.entryPoints.filter(({ name }) => name !== entryPoint);
  const commands = others.map(({ name, parameters }) => {
    const required = parameters.filter((parameter) => parameter.default === undefined);
    const words = required.map(
      (parameter) => ` -P ${quoteForShell(parameter.name)}=<${parameter.type}>`,
    );
    const selected = name === 'main' ? '' : ` -e ${quoteForShell(name)}`;
    return `mlts run ${quoteForShell(uri)}${selected}${words.join('')}`;
  });
  const look = `mlflow ui --backend-store-uri ${quoteForShell(storeUri)}`;
  const lines = /^https?:/.test(storeUri) ? commands : [...commands, look];
  return lines.length === 0 ? [] : ['', style.dim('next'), ...lines.map((line) => `  ${line}`)];
}
