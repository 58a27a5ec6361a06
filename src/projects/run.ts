import type { Run } from '../core/entities.ts';
import { readFlag, variables } from '../core/environment-variables.ts';
import { RunFailed, type Unavailable } from '../core/errors.ts';
import type { Context } from '../host/context.ts';
import { openTrackingStore, resolveTrackingUri } from '../tracking/open.ts';
import type { TrackingStore } from '../tracking/store.ts';
import { createProjectRun } from './create-run.ts';
import { endRun, type RunEnd } from './end-run.ts';
import { type Execution, executeRun } from './execute-run.ts';
import { type ResolvedExperiment, resolveExperiment } from './experiment.ts';
import { type PreparedRun, prepareRun } from './prepare-run.ts';
import type { RunOptions } from './run-options.ts';
import { renderNextSteps, renderSummary } from './summary.ts';
import { checkProxy, type StartTrackingProxy } from './tracking-proxy.ts';

/**
 * `mlts run`: fetches and checks the project, creates the run, starts the command and writes how it
 * ended. From the moment that the run exists it is ended whatever happens: FINISHED, FAILED or KILLED.
 *
 * @returns 0.
 * @throws RunFailed with the child's own exit code; Interrupted; and, before any run exists, whatever
 * is wrong with the command line, the project or the store.
 */
export async function runProject(
  options: RunOptions,
  context: Context,
  startProxy: StartTrackingProxy,
): Promise<number> {
  const trackingUri = await resolveTrackingUri(context);
  checkProxy(options.trackingProxy, trackingUri, context);
  await using prepared = await prepareRun(options, context);
  const store = await openTrackingStore(trackingUri, context);
  try {
    const experiment = await findExperiment(options, store, context);
    const run = await createProjectRun(prepared, options, experiment.id, store, context);
    announce(run, experiment, context);
    const toExecute = { prepared, options, run, experiment, store, startProxy };
    const execution = await executeRun(toExecute, context);
    const unwritten = await endRun(
      store,
      { id: run.info.id, deadlineMs: options.storeDeadlineMs },
      execution.end,
      context,
    );
    if (unwritten === undefined) {
      await summarize(run, experiment, prepared, options, store, context);
    }
    return conclude(run, execution, unwritten, context);
  } finally {
    await store.close();
  }
}

/** With `--run-id` the run knows its experiment; what else was asked for does not matter then. */
async function findExperiment(
  options: RunOptions,
  store: TrackingStore,
  context: Context,
): Promise<ResolvedExperiment> {
  if (options.runId === undefined) return resolveExperiment(options.experiment, store, context);
  const { info } = await store.getRun(options.runId);
  return resolveExperiment({ id: info.experimentId }, store, context);
}

function announce({ info }: Run, experiment: ResolvedExperiment, { terminal }: Context): void {
  const { style } = terminal;
  terminal.note(
    `${style.dim('run')} ${style.bold(info.name)} (${info.id}) ${style.dim('in experiment')} ${experiment.name}`,
  );
}

async function summarize(
  { info }: Run,
  experiment: ResolvedExperiment,
  { project }: PreparedRun,
  options: RunOptions,
  store: TrackingStore,
  { terminal, env }: Context,
): Promise<void> {
  const ended = await store.getRun(info.id).catch(() => undefined);
  if (ended === undefined) return;
  const shownUri = readFlag(env, variables.suppressUrls) ? undefined : store.uri;
  const next =
    ended.info.status === 'FINISHED'
      ? renderNextSteps(project, options, ended, shownUri, terminal.style)
      : [];
  for (const line of [...renderSummary(ended, experiment.name, terminal.style), ...next]) {
    terminal.note(line);
  }
}

/** The command's own failure comes before that of the store, which is told in any case. */
function conclude(
  { info }: Run,
  { end, failure, exitCode }: Execution,
  unwritten: Unavailable | undefined,
  { terminal }: Context,
): number {
  const failed = failure ?? (exitCode === 0 ? undefined : endOf(info.name, end, exitCode));
  if (failed === undefined && unwritten === undefined) return 0;
  if (failed !== undefined && unwritten !== undefined) terminal.fail(unwritten);
  throw failed ?? unwritten;
}

function endOf(runName: string, end: RunEnd, exitCode: number): RunFailed {
  const signal = end.tags.find(({ key }) => key === 'mlts.signal')?.value;
  const how = signal === undefined ? `its command exited with ${exitCode}` : `ended by ${signal}`;
  const what = end.status === 'KILLED' ? 'was killed' : 'failed';
  return new RunFailed(`run \`${runName}\` ${what}: ${how}`, exitCode);
}
