import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { AlreadyExists, InvalidInput, NotFound } from '../../src/core/errors.ts';
import type { RegistryStore } from '../../src/registry/store.ts';

/** What every model registry promises; `open` is called once, after the file's own `beforeAll`. */
export function testRegistryStore(name: string, open: () => Promise<RegistryStore>): void {
  describe(`${name} as a model registry`, () => {
    let store: RegistryStore;
    beforeAll(async () => {
      store = await open();
    });
    afterAll(() => store?.close());

    const source = 's3://bucket/model';
    const newName = (): string => `model ${randomUUID()}`;
    const createModel = async (versions = 0): Promise<string> => {
      const model = newName();
      await store.createModel({ name: model });
      for (let left = versions; left > 0; left -= 1) {
        await store.createVersion({ name: model, source });
      }
      return model;
    };
    const stagesOf = async (model: string) =>
      (await store.searchVersions({ filter: `name = '${model}'`, maxResults: 100 })).items
        .map(({ version, stage }) => `${version} ${stage}`)
        .sort();

    test('a model is found by its name, tags and description with it', async () => {
      const model = newName();
      const tags = [{ key: 'team', value: 'größe 😀' }];
      const made = await store.createModel({ name: model, description: 'why', tags });
      expect(made).toMatchObject({ name: model, description: 'why', tags, latestVersions: [] });
      expect(made.creationTimeMs).toBeGreaterThan(1_700_000_000_000);
      expect(await store.getModel(model)).toEqual(made);
    });

    test('a name in use is refused', async () => {
      const model = await createModel();
      await expect(store.createModel({ name: model })).rejects.toThrow(AlreadyExists);
      await expect(store.renameModel(await createModel(), model)).rejects.toThrow(AlreadyExists);
    });

    test.each(['', ' ', 'a/b', 'a:b', '..'])('the name `%s` is refused', async (bad) => {
      await expect(store.createModel({ name: bad })).rejects.toThrow(InvalidInput);
    });

    test('what is not there is told', async () => {
      const missing = newName();
      const model = await createModel(1);
      const change = { stage: 'Staging', archivesExisting: false } as const;
      for (const call of [
        () => store.getModel(missing),
        () => store.renameModel(missing, newName()),
        () => store.updateModel(missing, 'why'),
        () => store.deleteModel(missing),
        () => store.setModelTag(missing, { key: 'a', value: 'b' }),
        () => store.deleteModelTag(missing, 'a'),
        () => store.deleteAlias(missing, 'a'),
        () => store.createVersion({ name: missing, source }),
        () => store.getVersion(model, 2),
        () => store.updateVersion(model, 2, 'why'),
        () => store.deleteVersion(model, 2),
        () => store.setVersionTag(model, 2, { key: 'a', value: 'b' }),
        () => store.deleteVersionTag(model, 2, 'a'),
        () => store.setAlias(model, 'champion', 2),
        () => store.moveVersion(model, 2, change),
      ]) {
        await expect(call()).rejects.toThrow(NotFound);
      }
    });

    test('versions are numbered from 1; a deleted number is not given again', async () => {
      const model = await createModel(2);
      await store.deleteVersion(model, 2);
      expect(await store.createVersion({ name: model, source })).toMatchObject({
        name: model,
        version: 3,
        stage: 'None',
        status: 'READY',
        source,
        aliases: [],
        runId: undefined,
      });
      await expect(store.getVersion(model, 2)).rejects.toThrow(NotFound);
      expect(await stagesOf(model)).toEqual(['1 None', '3 None']);
    });

    test('a version keeps its run, description and tags', async () => {
      const model = await createModel();
      const [runId, tags] = ['a'.repeat(32), [{ key: 'checked', value: 'yes' }]];
      const runLink = 'https://host/runs/1';
      const version = { name: model, source, runId, runLink, description: 'first', tags };
      expect(await store.createVersion(version)).toMatchObject({ ...version, version: 1 });
      expect(await store.getVersion(model, 1)).toMatchObject(version);
    });

    test('ten new versions at once get ten numbers', async () => {
      const model = await createModel();
      const versions = await Promise.all(
        Array.from({ length: 10 }, () => store.createVersion({ name: model, source })),
      );
      const numbers = versions.map(({ version }) => version).sort((a, b) => a - b);
      expect(numbers).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
    });

    test('a version made of another one is found where that one lies', async () => {
      const model = await createModel(1);
      const other = newName();
      await store.createModel({ name: other });
      const made = await store.createVersion({ name: other, source: `models:/${model}/1` });
      expect(made.source).toBe(`models:/${model}/1`);
    });

    test('a new name takes versions, tags and aliases along', async () => {
      const [model, renamed] = [await createModel(1), newName()];
      await store.setModelTag(model, { key: 'a', value: '1' });
      await store.setVersionTag(model, 1, { key: 'b', value: '2' });
      await store.setAlias(model, 'champion', 1);
      await store.renameModel(model, renamed);
      expect(await store.getModel(renamed)).toMatchObject({
        tags: [{ key: 'a', value: '1' }],
        aliases: [{ alias: 'champion', version: 1 }],
      });
      expect(await store.getVersion(renamed, 1)).toMatchObject({
        tags: [{ key: 'b', value: '2' }],
        aliases: ['champion'],
      });
      await expect(store.getModel(model)).rejects.toThrow(NotFound);
    });

    test('a deleted model leaves nothing for one of its name', async () => {
      const model = await createModel(2);
      await store.setModelTag(model, { key: 'a', value: '1' });
      await store.setVersionTag(model, 1, { key: 'b', value: '2' });
      await store.setAlias(model, 'champion', 1);
      await store.deleteModel(model);
      await store.createModel({ name: model });
      expect(await store.createVersion({ name: model, source })).toMatchObject({ version: 1 });
      expect(await store.getVersion(model, 1)).toMatchObject({ tags: [], aliases: [] });
      expect(await store.getModel(model)).toMatchObject({ tags: [], aliases: [] });
    });

    test('descriptions and tags change', async () => {
      const model = await createModel(1);
      await store.updateModel(model, 'of the model');
      await store.updateVersion(model, 1, 'of the version');
      for (const value of ['1', '2']) {
        await store.setModelTag(model, { key: 'a', value });
        await store.setVersionTag(model, 1, { key: 'a', value });
      }
      const tags = [{ key: 'a', value: '2' }];
      expect(await store.getModel(model)).toMatchObject({ description: 'of the model', tags });
      expect(await store.getVersion(model, 1)).toMatchObject({
        description: 'of the version',
        tags,
      });
      for (const key of ['a', 'never there']) {
        await store.deleteModelTag(model, key);
        await store.deleteVersionTag(model, 1, key);
      }
      expect(await store.getModel(model)).toMatchObject({ tags: [] });
      expect(await store.getVersion(model, 1)).toMatchObject({ tags: [] });
    });

    test('an alias moves from version to version, and goes with its version', async () => {
      const model = await createModel(2);
      await store.setAlias(model, 'champion', 1);
      await store.setAlias(model, 'champion', 2);
      await store.setAlias(model, 'best', 2);
      expect(await store.getVersion(model, 1)).toMatchObject({ aliases: [] });
      expect(await store.getVersion(model, 2)).toMatchObject({ aliases: ['best', 'champion'] });
      await store.deleteAlias(model, 'best');
      await store.deleteAlias(model, 'never-there');
      const found = await store.searchVersions({ filter: `name = '${model}'`, maxResults: 10 });
      expect(found.items.map(({ aliases }) => aliases)).toEqual([['champion'], []]);
      await store.deleteVersion(model, 2);
      expect((await store.getModel(model)).aliases).toEqual([]);
    });

    test.each(['latest', 'v1', 'V2', 'a b', ''])('the alias `%s` is refused', async (alias) => {
      const model = await createModel(1);
      await expect(store.setAlias(model, alias, 1)).rejects.toThrow(InvalidInput);
    });

    test('a version moves to a stage, and archives who was there only if asked', async () => {
      const model = await createModel(3);
      const move = (version: number, archivesExisting: boolean) =>
        store.moveVersion(model, version, { stage: 'Production', archivesExisting });
      await move(1, false);
      await move(2, false);
      expect(await stagesOf(model)).toEqual(['1 Production', '2 Production', '3 None']);
      expect(await move(3, true)).toMatchObject({ version: 3, stage: 'Production' });
      expect(await stagesOf(model)).toEqual(['1 Archived', '2 Archived', '3 Production']);
    });

    test('nothing is archived on a move out of use', async () => {
      const model = await createModel(1);
      const change = { stage: 'Archived', archivesExisting: true } as const;
      await expect(store.moveVersion(model, 1, change)).rejects.toThrow(InvalidInput);
      expect(await stagesOf(model)).toEqual(['1 None']);
    });

    test('a model shows the latest version of each stage', async () => {
      const model = await createModel(5);
      const move = (version: number, stage: 'Staging' | 'Production') =>
        store.moveVersion(model, version, { stage, archivesExisting: false });
      await move(1, 'Production');
      await move(2, 'Production');
      await move(3, 'Staging');
      await store.deleteVersion(model, 5);
      await store.setAlias(model, 'champion', 2);
      const { latestVersions } = await store.getModel(model);
      expect(latestVersions.map(({ version, stage }) => [version, stage])).toEqual([
        [2, 'Production'],
        [3, 'Staging'],
        [4, 'None'],
      ]);
      expect(latestVersions[0]?.aliases).toEqual(['champion']);
    });

    describe('a search', () => {
      const prefix = randomUUID();
      const run = 'b'.repeat(32);
      beforeAll(async () => {
        for (const word of ['alpha', 'Beta', 'gamma']) {
          const model = `${prefix}-${word}`;
          await store.createModel({ name: model, tags: [{ key: 'word', value: word }] });
          await store.createVersion({ name: model, source, runId: run });
          const tags = [{ key: 'version_number', value: word }];
          await store.createVersion({ name: model, source: `s3://bucket/${word}`, tags });
        }
        const prompt = { key: 'mlflow.prompt.is_prompt', value: 'true' };
        await store.createModel({ name: `${prefix}-prompt`, tags: [prompt] });
        await store.createVersion({
          name: `${prefix}-prompt`,
          source: 'dummy-source',
          tags: [prompt],
        });
      });

      const own = `name LIKE '${prefix}%'`;
      const shorten = (model: string): string => model.slice(prefix.length + 1);

      test.each([
        ['', ['Beta', 'alpha', 'gamma']],
        [" AND name ILIKE '%BETA'", ['Beta']],
        [` AND name != '${prefix}-gamma'`, ['Beta', 'alpha']],
        [` AND name IN ('${prefix}-gamma', 'x')`, ['gamma']],
        [" AND tags.word = 'alpha'", ['alpha']],
        [" AND tag.`word` LIKE '%a%' AND tags.word != 'gamma'", ['Beta', 'alpha']],
        [" AND tags.none != 'x'", []],
        [" AND tags.`mlflow.prompt.is_prompt` = 'true'", ['prompt']],
      ])('of models: %s', async (filter, expected) => {
        const { items } = await store.searchModels({ filter: own + filter, maxResults: 100 });
        expect(items.map(({ name: found }) => shorten(found)).sort()).toEqual(expected);
      });

      test.each([
        [" AND version_number = 2 AND name LIKE '%-alpha'", ['alpha 2']],
        [" AND version_number < '2'", ['Beta 1', 'alpha 1', 'gamma 1']],
        [` AND run_id = '${run}'`, ['Beta 1', 'alpha 1', 'gamma 1']],
        [` AND run_id IN ('${run}') AND name LIKE '%-gamma'`, ['gamma 1']],
        [" AND source_path = 's3://bucket/gamma'", ['gamma 2']],
        [" AND tags.version_number = 'Beta'", ['Beta 2']],
        [" AND tags.`mlflow.prompt.is_prompt` = 'true'", ['prompt 1']],
      ])('of versions: %s', async (filter, expected) => {
        const { items } = await store.searchVersions({ filter: own + filter, maxResults: 100 });
        const found = items.map((item) => `${shorten(item.name)} ${item.version}`);
        expect(found.sort()).toEqual(expected);
      });

      test('an empty id of a run is one, as servers write it where no run was named', async () => {
        const model = `${randomUUID()}-runs`;
        await store.createModel({ name: model });
        for (const runId of [run, '']) await store.createVersion({ name: model, source, runId });
        const find = async (filter: string) => {
          const asked = `name = '${model}' AND ${filter}`;
          const { items } = await store.searchVersions({ filter: asked, maxResults: 100 });
          return items.map(({ version }) => version).sort();
        };
        expect(await find(`run_id != '${run}'`)).toEqual([2]);
        expect(await find("run_id != 'none'")).toEqual([1, 2]);
        expect(await find("run_id = ''")).toEqual([2]);
        expect(await find("run_id LIKE '%'")).toEqual([1, 2]);
        expect(await find(`run_id NOT IN ('${run}')`)).toEqual([2]);
      });

      test('is ordered, and comes in pages', async () => {
        const search = { filter: own, maxResults: 2, orderBy: ['name DESC'] };
        const first = await store.searchModels(search);
        const last = await store.searchModels({ ...search, pageToken: first.nextPageToken });
        expect(last.nextPageToken).toBeUndefined();
        const names = [...first.items, ...last.items].map((item) => shorten(item.name));
        // PostgreSQL may order by the rules of a language.
        expect(names.toSorted()).toEqual(['Beta', 'alpha', 'gamma']);
        expect(names[0]).toBe('gamma');
      });

      test('orders versions by two keys', async () => {
        const orderBy = ['version_number ASC', 'creation_timestamp DESC'];
        const { items } = await store.searchVersions({ filter: own, maxResults: 4, orderBy });
        expect(items.map((item) => item.version)).toEqual([1, 1, 1, 2]);
        expect(shorten(items[0]?.name ?? '')).toBe('gamma');
      });

      test.each([
        "metrics.a = '1'",
        "current_stage = 'Production'",
        "name = 'a' OR name = 'b'",
        'name = 1',
      ])('refuses %s, and shows where', async (filter) => {
        const search = { filter, maxResults: 1 };
        const shown = /^filter: .*\n/;
        await expect(store.searchModels(search)).rejects.toThrow(shown);
        await expect(store.searchVersions(search)).rejects.toThrow(shown);
      });
    });
  });
}
