import type { Tag } from '../core/entities.ts';
import { redactUrls } from '../core/redact.ts';
import type { EnvironmentState } from '../environments/environment.ts';
import type { Context } from '../host/context.ts';
import { resolveTrackingUri } from '../tracking/open.ts';
import { buildCommand } from './command.ts';
import { describeNewRun } from './create-run.ts';
import { maskParams, maskValues } from './masked-parameters.ts';
import { type PreparedRun, prepareRun } from './prepare-run.ts';
import type { RunOptions } from './run-options.ts';
import { checkProxy, isProxyWanted } from './tracking-proxy.ts';

/** What `mlts run` would do, as `--dry-run` shows it; the JSON keeps these names. */
export interface RunPlan {
  readonly source: {
    readonly uri: string;
    readonly directory: string;
    readonly commit: string | null;
    readonly branch: string | null;
    readonly repositoryUrl: string | null;
    readonly isDirty: boolean;
  };
  readonly project: string | null;
  readonly entryPoint: string;
  readonly parameters: readonly PlannedParameter[];
  readonly environment: EnvironmentState;
  readonly command: string;
  readonly tracking: {
    readonly uri: string;
    /** Looked up, or created, only by the run itself. */
    readonly experiment: { readonly name: string | null; readonly id: string | null };
    readonly runId: string | null;
    /** Whether the command would log by way of a server inside `mlts run`. */
    readonly isProxied: boolean;
  };
  readonly tags: Readonly<Record<string, string>>;
  /** Names of what --env and --env-file set. */
  readonly variables: readonly string[];
}

interface PlannedParameter {
  readonly name: string;
  readonly value: string;
  readonly from: 'given' | 'default' | 'extra';
  /** Where it would be downloaded to, below the storage folder; null: it is not. */
  readonly downloadTo: string | null;
}

/** Fetches and checks the project and looks at what is there already; creates nothing. */
export async function planRun(options: RunOptions, context: Context): Promise<RunPlan> {
  const trackingUri = await resolveTrackingUri(context);
  checkProxy(options.trackingProxy, trackingUri, context);
  await using prepared = await prepareRun(options, context);
  const { source, project, entryPoint, parameters, variables, environment } = prepared;
  const state = await environment.inspect();
  return {
    source: {
      uri: redactUrls(options.uri),
      directory: source.directory,
      commit: source.commit ?? null,
      branch: source.branch ?? null,
      repositoryUrl: source.repositoryUrl ?? null,
      isDirty: source.isDirty,
    },
    project: project.name ?? null,
    entryPoint: entryPoint.name,
    parameters: planParameters(prepared),
    environment: state,
    command: buildCommand(entryPoint, maskValues(parameters.values), maskParams(parameters.extras)),
    tracking: {
      uri: redactUrls(trackingUri),
      experiment: { name: options.experiment.name ?? null, id: options.experiment.id ?? null },
      runId: options.runId ?? null,
      isProxied: isProxyWanted(options, state.manager === 'docker', trackingUri, context),
    },
    tags: options.runId === undefined ? toRecord(describeNewRun(prepared, options, context)) : {},
    variables: Object.keys(variables),
  };
}

function planParameters({
  given,
  parameters: { logged, extras, downloads },
}: PreparedRun): PlannedParameter[] {
  const extraNames = new Set(extras.map(({ key }) => key));
  return maskParams(logged).map(({ key, value }) => ({
    name: key,
    value,
    from: extraNames.has(key) ? 'extra' : given.has(key) ? 'given' : 'default',
    downloadTo: downloads.find(({ name }) => name === key)?.folder ?? null,
  }));
}

function toRecord(tags: readonly Tag[]): Record<string, string> {
  return Object.fromEntries(tags.map(({ key, value }) => [key, value]));
}

/** The plan for people: what is worth reading before pressing Enter. */
export function renderPlan(plan: RunPlan): string {
  const { source, environment, tracking } = plan;
  const rows: (readonly [label: string, value: string])[] = [
    [
      'source',
      source.uri === source.directory ? source.uri : `${source.uri} -> ${source.directory}`,
    ],
    [
      'commit',
      source.commit === null
        ? 'none'
        : `${source.commit}${source.isDirty ? ' (changed since)' : ''}`,
    ],
    ['project', plan.project ?? 'without a name'],
    ['entry point', plan.entryPoint],
    ...plan.parameters.map(renderParameter),
    ['environment', renderEnvironment(environment)],
    ...environment.dependencies.map((dependency) => ['', `  ${dependency}`] as const),
    ['command', plan.command],
    ['variables', plan.variables.join(', ') || 'none of --env'],
    ['tracking', tracking.uri + (tracking.isProxied ? ' (by way of a proxy)' : '')],
    ['experiment', tracking.experiment.name ?? tracking.experiment.id ?? 'Default (0)'],
    ...(tracking.runId === null ? [] : [['run', tracking.runId] as const]),
    ...Object.entries(plan.tags).map(([key, value]) => ['tag', `${key} = ${value}`] as const),
    ...environment.warnings.map((warning) => ['warning', warning] as const),
  ];
  return renderRows(rows);
}

function renderParameter({ name, value, from, downloadTo }: PlannedParameter) {
  const download = downloadTo === null ? '' : `, downloaded to ${downloadTo}`;
  return ['parameter', `${name} = ${value} (${from}${download})`] as const;
}

function renderEnvironment({ manager, state, location, python }: EnvironmentState): string {
  if (state === 'none') return `${manager}: as it is`;
  const what = [python === undefined ? [] : [`Python ${python}`], location ?? []].flat().join(', ');
  return `${manager}: ${what} (${state === 'cached' ? 'cached' : 'to be made'})`;
}

/** A label is written once for the rows that share it. */
function renderRows(rows: readonly (readonly [label: string, value: string])[]): string {
  const width = Math.max(...rows.map(([label]) => label.length));
  return rows
    .map(([label, value], index) => {
      const shown = rows[index - 1]?.[0] === label ? '' : label;
      return `${shown.padEnd(width)}  ${value.replaceAll('\n', `\n${' '.repeat(width + 2)}`)}`;
    })
    .join('\n');
}
