import { randomUUID } from 'node:crypto';
import { expect, test } from 'vitest';
import { openRegistryStore } from '../../src/registry/open.ts';
import { openStoredModelNames } from '../../src/registry/stored-names.ts';
import { createTestContext } from '../setup/context.ts';

/** What shell completion sees of a model registry, which must be the same everywhere. */
export function testStoredModelNames(name: string, makeUri: () => Promise<string>): void {
  test(`${name}: names of models; versions with stages and aliases, the newest first`, async () => {
    const context = createTestContext();
    const uri = await makeUri();
    const store = await openRegistryStore(uri, context);
    const prefix = `m_${randomUUID()}`;
    const model = `${prefix} 50 (é)`;
    await store.createModel({ name: model, description: 'why' });
    const prompt = { key: 'mlflow.prompt.is_prompt', value: 'true' };
    await store.createModel({ name: `${prefix} prompt`, tags: [prompt] });
    for (let left = 3; left > 0; left -= 1) {
      await store.createVersion({ name: model, source: 's3://bucket/model' });
    }
    await store.moveVersion(model, 1, { stage: 'Staging', archivesExisting: false });
    await store.setAlias(model, 'best', 1);
    await store.deleteVersion(model, 3);
    await store.close();

    const names = await openStoredModelNames(uri, context);
    for (const typed of [prefix, `${prefix} 50 (`]) {
      expect(await names.listModels(typed)).toMatchObject([{ name: model, description: 'why' }]);
    }
    expect(await names.listModels(`${prefix} none`)).toEqual([]);
    expect(await names.listVersions(model)).toMatchObject([
      { version: 2, stage: 'None', aliases: [] },
      { version: 1, stage: 'Staging', aliases: ['best'] },
    ]);
    expect(await names.listVersions(`${prefix} none`)).toEqual([]);
    await names.close();
  });
}
