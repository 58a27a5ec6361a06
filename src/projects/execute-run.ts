import type { Run } from '../core/entities.ts';
import type { Launch } from '../core/launch.ts';
import type { Outcome } from '../core/outcome.ts';
import type { PreparedEnvironment } from '../environments/environment.ts';
import type { Context } from '../host/context.ts';
import { EXIT_CODE_OF, Interrupted } from '../host/interrupts.ts';
import type { TrackingStore } from '../tracking/store.ts';
import { createChildEnvironment, createRunVariables } from './child-variables.ts';
import { buildCommand } from './command.ts';
import { judgeOutcome, type RunEnd } from './end-run.ts';
import type { ResolvedExperiment } from './experiment.ts';
import { localizeParameters } from './localize-parameters.ts';
import { maskParams, maskValues } from './masked-parameters.ts';
import type { PreparedRun } from './prepare-run.ts';
import type { EntryPoint } from './project.ts';
import type { RunOptions } from './run-options.ts';
import { openRunRoute, type RunRoute, type StartTrackingProxy } from './tracking-proxy.ts';

export interface RunToExecute {
  readonly prepared: PreparedRun;
  readonly options: RunOptions;
  readonly run: Run;
  readonly experiment: ResolvedExperiment;
  readonly store: TrackingStore;
  readonly startProxy: StartTrackingProxy;
}

export interface Execution {
  readonly end: RunEnd;
  /** The command's own, where it ran; 128+n where signal n interrupted us. */
  readonly exitCode: number;
  /** What went wrong before or around the command. */
  readonly failure: unknown;
}

/**
 * Makes the environment, downloads what parameters name, starts the command and waits for its end.
 * Never throws: what goes wrong is part of the result, so that the caller can end the run.
 */
export async function executeRun(toExecute: RunToExecute, context: Context): Promise<Execution> {
  try {
    const { prepared, options, store } = toExecute;
    await using local = await localizeParameters(
      prepared.parameters,
      options.storageDirectory,
      store,
      context,
    );
    const environment = await prepareEnvironment(toExecute, context);
    await using route = await openRunRoute(toExecute, environment, context);
    const launch = describeLaunch(toExecute, local.values, environment, route, context);
    const outcome = await start(launch, options.graceMs, context);
    const { interruptedBy } = outcome;
    return {
      end: judgeOutcome(outcome),
      // A command may catch our signal and exit with 0: whoever sent it to us still hears of it.
      exitCode: interruptedBy === undefined ? outcome.exitCode : EXIT_CODE_OF[interruptedBy],
      failure: undefined,
    };
  } catch (failure) {
    const { signal } = context.interrupts;
    const isInterrupted = failure instanceof Interrupted || signal.aborted;
    return {
      end: { status: isInterrupted ? 'KILLED' : 'FAILED', tags: [] },
      exitCode: 1,
      failure: isInterrupted ? (signal.reason ?? failure) : failure,
    };
  }
}

async function prepareEnvironment(
  { prepared, run, store }: RunToExecute,
  { interrupts }: Context,
): Promise<PreparedEnvironment> {
  const environment = await prepared.environment.prepare(interrupts.signal);
  interrupts.signal.throwIfAborted();
  if (environment.tags.length > 0) await store.logBatch(run.info.id, { tags: environment.tags });
  return environment;
}

function describeLaunch(
  { prepared, run, experiment }: RunToExecute,
  values: ReadonlyMap<string, string>,
  environment: PreparedEnvironment,
  route: RunRoute,
  { terminal, env }: Context,
): Launch {
  const { entryPoint, parameters, project, variables } = prepared;
  const shell = buildCommand(entryPoint, values, parameters.extras);
  const shown = buildCommand(entryPoint, maskValues(values), maskParams(parameters.extras));
  terminal.note(terminal.style.dim(`$ ${shown}`));
  const runVariables = createRunVariables(run.info.id, experiment.id, route.trackingUri);
  return environment.launch(
    {
      shell,
      cwd: project.directory,
      env: createChildEnvironment(env, [variables, runVariables, route.variables], experiment),
      paths: listPaths(entryPoint, values),
    },
    route,
  );
}

function listPaths({ parameters }: EntryPoint, values: ReadonlyMap<string, string>): string[] {
  const ofPaths = parameters.filter(({ type }) => type === 'path');
  return ofPaths.flatMap(({ name }) => values.get(name) ?? []);
}

async function start(launch: Launch, graceMs: number, context: Context): Promise<Outcome> {
  if (launch.kind === 'container') {
    const { runContainer } = await import('../host/docker/container.ts');
    return runContainer(launch, context, { graceMs });
  }
  const { runChild } = await import('../host/child.ts');
  return runChild(launch, { interrupts: context.interrupts, graceMs });
}
