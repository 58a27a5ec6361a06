import { expect, test } from 'vitest';
import { openTrackingStore } from '../../src/tracking/open.ts';
import { inspectStore, type StoreState } from '../../src/tracking/store-state.ts';
import { openStoredNames } from '../../src/tracking/stored-names.ts';
import { createTestContext } from '../setup/context.ts';

/** What shell completion and `mlts doctor` see of a store, which must be the same everywhere. */
export function testStoredNames(
  name: string,
  makeUri: () => Promise<string>,
  expected: Partial<StoreState>,
): void {
  test(`${name}: names and ids of what is active, the newest first`, async () => {
    const context = createTestContext();
    const uri = await makeUri();
    const store = await openTrackingStore(uri, context);
    const title = `names ${Date.now()}`;
    const experimentId = await store.createExperiment({ name: title });
    const gone = await store.createExperiment({ name: `${title} gone` });
    await store.deleteExperiment(gone);
    const create = async (runName: string, startTimeMs: number) =>
      (await store.createRun({ experimentId, userId: 'ann', startTimeMs, tags: [], runName })).info
        .id;
    const later = Date.now() + 1_000_000;
    const [old, young, deleted] = [
      await create('old', later),
      await create('young', later + 1),
      await create('deleted', later + 2),
    ];
    await store.deleteRun(deleted);
    await store.close();

    const names = await openStoredNames(uri, context);
    const experiments = await names.listExperiments();
    expect(experiments.map((one) => one.name)).toContain('Default');
    expect(experiments).toContainEqual(expect.objectContaining({ id: experimentId, name: title }));
    expect(experiments.map(({ id }) => id)).not.toContain(gone);
    const runs = (await names.listRuns('')).map((run) => run.id);
    expect(runs.filter((id) => [old, young, deleted].includes(id))).toEqual([young, old]);
    expect(await names.listRuns(old)).toEqual([expect.objectContaining({ id: old, name: 'old' })]);
    await names.close();
    expect(await inspectStore(uri, context)).toMatchObject({ exists: true, ...expected });
  });
}
