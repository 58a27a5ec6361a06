import type { Run } from '../core/entities.ts';
import { quoteForShell } from '../core/shell-word.ts';
import type { Terminal } from '../host/terminal.ts';
import { renderInvocation } from './invocation.ts';
import type { Project } from './project.ts';
import type { RunOptions } from './run-options.ts';

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

/**
 * Lines to type next: the project's other entry points with what they require, then where to look. Without an
 * address where nobody may follow it.
 */
export function renderNextSteps(
  project: Project,
  options: RunOptions,
  { info }: Run,
  storeUri: string | undefined,
  style: Terminal['style'],
): string[] {
  const others = project.entryPoints.filter(({ name }) => name !== options.entryPoint);
  const commands = others.map(({ name, parameters }) => {
    const required = parameters.filter((parameter) => parameter.default === undefined);
    const words = required.map(
      (parameter) => `-P ${quoteForShell(parameter.name)}=<${parameter.type}>`,
    );
    return renderInvocation(options, name, words);
  });
  const find = `mlts runs search --experiment-id ${info.experimentId}`;
  const look = storeUri === undefined ? [] : [renderLook(info, storeUri)];
  return ['', style.dim('next'), ...[...commands, find, ...look].map((line) => `  ${line}`)];
}

function renderLook({ experimentId, id }: Run['info'], storeUri: string): string {
  return /^https?:/.test(storeUri)
    ? `${dropCredentials(storeUri)}/#/experiments/${experimentId}/runs/${id}`
    : `mlflow ui --backend-store-uri ${quoteForShell(storeUri)}`;
}

/** A masked password would make a link that leads nowhere. */
function dropCredentials(url: string): string {
  const { protocol, host, pathname } = new URL(url);
  return `${protocol}//${host}${pathname.replace(/\/$/, '')}`;
}
