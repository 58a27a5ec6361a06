import type { Transaction } from 'kysely';
import type { RunInfo } from '../../core/entities.ts';
import type { SqlConnection } from '../../sql/connection.ts';
import type { Tables } from '../../sql/tables.ts';
import { refuseDeleted } from '../lifecycle.ts';
import { nameRun } from '../run-name.ts';
import type { RunData, RunUpdate } from '../store.ts';
import { logModelMetrics } from './logged-model-metrics.ts';
import { logMetrics } from './metrics.ts';
import { readRunInfo, toRunInfo } from './rows.ts';
import { logParams, setRunName, setTags, withoutEmptyName } from './run-data.ts';

/** @throws NotFound; InvalidInput for a deleted one. */
export async function requireActiveRun(transaction: Transaction<Tables>, runId: string) {
  const found = await readRunInfo(transaction, runId);
  refuseDeleted('run', runId, found.info.lifecycleStage);
  return found;
}

/** @throws NotFound, InvalidInput */
export async function logRunData(
  transaction: Transaction<Tables>,
  runId: string,
  { params, metrics, tags: given }: Required<RunData>,
  toFlag: SqlConnection['toFlag'],
): Promise<void> {
  const { info } = await requireActiveRun(transaction, runId);
  const tags = withoutEmptyName(given);
  await logParams(transaction, runId, params);
  await logMetrics(transaction, runId, metrics, toFlag);
  await logModelMetrics(transaction, info, metrics);
  await setTags(transaction, runId, tags);
  await setRunName(transaction, runId, tags);
}

/** What is not told stays. @throws NotFound, InvalidInput */
export async function changeRun(
  transaction: Transaction<Tables>,
  runId: string,
  { status, endTimeMs, runName }: RunUpdate,
): Promise<RunInfo> {
  const { row, info } = await requireActiveRun(transaction, runId);
  const changed = {
    ...(status === undefined ? {} : { status }),
    ...(endTimeMs === undefined ? {} : { end_time: endTimeMs }),
    ...(runName ? { name: runName } : {}),
  };
  if (Object.keys(changed).length === 0) return info;
  await transaction.updateTable('runs').set(changed).where('run_uuid', '=', runId).execute();
  if (runName) await setTags(transaction, runId, nameRun(runName, []).tags);
  return toRunInfo({ ...row, ...changed });
}
