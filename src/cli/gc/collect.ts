import pMap from 'p-map';
import type { TreeSize } from '../../artifacts/store.ts';
import { variables } from '../../core/environment-variables.ts';
import { MltsError } from '../../core/errors.ts';
import type { Context } from '../../host/context.ts';
import type { GarbageCollector, GarbageItem } from '../../tracking/garbage.ts';
import {
  type GarbagePlan,
  type GarbageRequest,
  nameKind,
  planGarbage,
} from '../../tracking/garbage-plan.ts';
import { resolveTrackingUri } from '../../tracking/open.ts';
import { openGarbageCollector } from '../../tracking/open-garbage.ts';
import type { WorkspaceChoice } from '../../tracking/sql/garbage/sql-garbage-collector.ts';
import type { GcFlags } from '../gc.ts';
import { printRows } from '../output.ts';
import { parseAge } from './age.ts';
import { GarbageCollection } from './collection.ts';
import { OwnArtifacts } from './own-artifacts.ts';
import { countGarbage, describeGone, describeSize, GARBAGE_COLUMNS, toGarbageRow } from './view.ts';

/** `mlts gc`: finds what may go, then shows or removes it. */
export async function collect(flags: GcFlags, context: Context): Promise<void> {
  const request = readRequest(flags, context);
  const workspaces = chooseWorkspaces(flags, context);
  const uri = flags.backendStoreUri || (await resolveTrackingUri(context));
  const collector = await openGarbageCollector(uri, workspaces, context);
  const artifacts = new OwnArtifacts(
    {
      trackingUri: flags.trackingUri || context.env[variables.trackingUri] || collector.uri,
      destination: flags.artifactsDestination || context.env[variables.artifactsDestination],
      hasWorkspaces: workspaces !== undefined,
    },
    context,
  );
  try {
    const plan = await planGarbage(collector, request);
    for (const warning of plan.warnings) context.terminal.warn(warning);
    if (flags.dryRun) await showPlan(plan, flags.output, artifacts, context);
    else await removePlan(plan, collector, flags.keepArtifacts ? undefined : artifacts, context);
  } finally {
    await artifacts.close();
    await collector.close();
  }
}

function readRequest(flags: GcFlags, context: Context): GarbageRequest {
  const { olderThan, runIds, experimentIds, loggedModelIds, jobIds } = flags;
  return {
    olderThanMs: olderThan === undefined ? undefined : parseAge(olderThan),
    nowMs: context.now(),
    runIds: splitIds(runIds),
    experimentIds: splitIds(experimentIds),
    modelIds: splitIds(loggedModelIds),
    jobs: flags.jobs || jobIds ? { ids: splitIds(jobIds) } : undefined,
    mayMiss: flags.allWorkspaces ?? false,
  };
}

/** An empty list is no list, as in MLflow. */
function splitIds(text: string | undefined): readonly string[] | undefined {
  return text ? text.split(',').map((id) => id.trim()) : undefined;
}

function chooseWorkspaces(flags: GcFlags, { env }: Context): WorkspaceChoice {
  if (flags.allWorkspaces) return 'all';
  const name = (flags.workspace ?? env[variables.workspace] ?? '').trim();
  return name === '' ? undefined : { name };
}

async function showPlan(
  plan: GarbagePlan,
  output: GcFlags['output'],
  artifacts: OwnArtifacts,
  { terminal, interrupts }: Context,
): Promise<void> {
  const items = [...plan.runs, ...plan.models, ...plan.experiments, ...plan.jobs];
  const sizes = await terminal.progress('measuring artifacts', () =>
    pMap(items, (item) => measure(item, artifacts, { terminal, interrupts }), { concurrency: 8 }),
  );
  const rows = items.map((item, index) => toGarbageRow(item, sizes[index]));
  if (rows.length > 0 || output === 'json') {
    await printRows(rows, GARBAGE_COLUMNS, output, terminal);
  }
  const total = sizes.reduce<TreeSize>(
    (sum, size) => ({
      files: sum.files + (size?.files ?? 0),
      sizeBytes: sum.sizeBytes + (size?.sizeBytes ?? 0),
    }),
    { files: 0, sizeBytes: 0 },
  );
  terminal.note(`would remove ${countGarbage(plan)}: ${describeSize(total)}; nothing was removed`);
}

/** Undefined where the artifacts cannot be looked at: it would stay. */
async function measure(
  item: GarbageItem,
  artifacts: OwnArtifacts,
  { terminal, interrupts }: Pick<Context, 'terminal' | 'interrupts'>,
): Promise<TreeSize | undefined> {
  interrupts.signal.throwIfAborted();
  try {
    return await artifacts.measure(item);
  } catch (error) {
    if (!(error instanceof MltsError) || interrupts.signal.aborted) throw error;
    terminal.warn(`${nameKind(item.kind)} ${item.id} would stay: ${error.message}`, error.hint);
    return undefined;
  }
}

async function removePlan(
  plan: GarbagePlan,
  collector: GarbageCollector,
  artifacts: OwnArtifacts | undefined,
  context: Context,
): Promise<void> {
  const { terminal } = context;
  const what = countGarbage(plan);
  if (what === 'nothing') return terminal.note('there is nothing to remove');
  // On a terminal the spinner has the line; elsewhere each is told at once, should we be killed.
  const held: string[] = [];
  const tell = terminal.columns === undefined ? terminal.print : (line: string) => held.push(line);
  const onGone = (item: GarbageItem) => tell(describeGone(item));
  const collection = new GarbageCollection({ collector, artifacts, onGone }, context);
  try {
    await terminal.progress(`removing ${what}`, (update) =>
      collection.run(plan, ({ gone, ...size }) =>
        update(`removing ${what}: ${gone} gone, ${describeSize(size)}`),
      ),
    );
  } finally {
    held.forEach(terminal.print);
  }
  terminal.note(`removed ${what}: ${describeSize(collection.totals)}`);
}
