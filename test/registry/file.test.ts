import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { execa } from 'execa';
import { describe, expect, test } from 'vitest';
import { InvalidInput, NotFound } from '../../src/core/errors.ts';
import { openRegistryStore } from '../../src/registry/open.ts';
import type { RegistryStore } from '../../src/registry/store.ts';
import { testRegistryStore } from '../contracts/registry-store.ts';
import { testStoredModelNames } from '../contracts/stored-model-names.ts';
import { createTestContext } from '../setup/context.ts';
import { askPython } from '../setup/mlflow.ts';

const makeFolder = (): Promise<string> => mkdtemp(join(tmpdir(), 'mlts-registry-'));

const open = (cwd: string, uri = './mlruns'): Promise<RegistryStore> =>
  openRegistryStore(uri, createTestContext({ cwd, env: { MLTS_CACHE_DIR: join(cwd, 'cache') } }));

testRegistryStore('a folder', async () => open(await makeFolder()));
testStoredModelNames('a folder', makeFolder);

const source = 's3://bucket/model';

async function writeFiles(root: string, files: Readonly<Record<string, string>>): Promise<void> {
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(root, name)), { recursive: true });
    await writeFile(join(root, name), text);
  }
}

describe('on the disk', () => {
  test('looking makes nothing', async () => {
    const folder = await makeFolder();
    const store = await open(folder);
    expect(await store.searchModels({ maxResults: 1 })).toMatchObject({ items: [] });
    await expect(store.getModel('none')).rejects.toThrow(NotFound);
    expect(await readdir(folder)).toEqual([]);
  });

  test('nothing is left of the writing, and nothing lies outside the store', async () => {
    const folder = await makeFolder();
    const store = await open(folder);
    await store.createModel({ name: 'a', tags: [{ key: 'x/y', value: 'z' }] });
    await store.createVersion({ name: 'a', source, tags: [{ key: 't', value: 'u' }] });
    await store.setAlias('a', 'best', 1);
    await store.renameModel('a', 'b');
    await store.createModel({ name: 'gone' });
    await store.deleteModel('gone');
    const files = await readdir(join(folder, 'mlruns'), { recursive: true });
    expect(files.sort()).toEqual([
      '.trash',
      'models',
      'models/b',
      'models/b/aliases',
      'models/b/aliases/best',
      'models/b/meta.yaml',
      'models/b/tags',
      'models/b/tags/x',
      'models/b/tags/x/y',
      'models/b/version-1',
      'models/b/version-1/meta.yaml',
      'models/b/version-1/tags',
      'models/b/version-1/tags/t',
    ]);
    expect((await readdir(folder)).sort()).toEqual(['cache', 'mlruns']);
  });

  test.each(['50%', 'a\0b', '../../out', '..'])('the name %j is refused', async (name) => {
    const store = await open(await makeFolder());
    await expect(store.createModel({ name })).rejects.toThrow(InvalidInput);
    await store.createModel({ name: 'a' });
    await expect(store.renameModel('a', name)).rejects.toThrow(InvalidInput);
    await expect(store.getVersion(name, 1)).rejects.toThrow(InvalidInput);
    await expect(store.deleteModel(name)).rejects.toThrow(InvalidInput);
  });

  test('a tag does not lead out of its folder', async () => {
    const store = await open(await makeFolder());
    await store.createModel({ name: 'a' });
    const tag = { key: '../../meta.yaml', value: 'x' };
    await expect(store.setModelTag('a', tag)).rejects.toThrow(InvalidInput);
    await expect(store.deleteModelTag('a', tag.key)).rejects.toThrow(InvalidInput);
  });

  test('a tag in the way of another one is told', async () => {
    const store = await open(await makeFolder());
    await store.createModel({ name: 'a', tags: [{ key: 'x', value: '1' }] });
    await expect(store.setModelTag('a', { key: 'x/y', value: '2' })).rejects.toThrow(
      /cannot write to .*: a/,
    );
  });

  test('what is half made is neither found nor in the way', async () => {
    const folder = await makeFolder();
    await mkdir(join(folder, 'mlruns/models/half'), { recursive: true });
    const store = await open(folder);
    await store.createModel({ name: 'a' });
    await mkdir(join(folder, 'mlruns/models/a/version-7'));
    expect((await store.searchModels({ maxResults: 9 })).items).toMatchObject([{ name: 'a' }]);
    expect((await store.searchVersions({ maxResults: 9 })).items).toEqual([]);
    expect(await store.createVersion({ name: 'a', source })).toMatchObject({ version: 8 });
  });

  test('a damaged meta.yaml is named', async () => {
    const folder = await makeFolder();
    const meta = join(folder, 'mlruns/models/a/meta.yaml');
    await writeFiles(folder, { 'mlruns/models/a/meta.yaml': '- no mapping\n' });
    const store = await open(folder);
    await expect(store.getModel('a')).rejects.toThrow(`${meta} is damaged`);
    await expect(store.searchModels({ maxResults: 9 })).rejects.toThrow(`${meta} is damaged`);
  });

  test('what mlts does not know is kept', async () => {
    const folder = await makeFolder();
    const store = await open(folder);
    await store.createModel({ name: 'a' });
    await store.createVersion({ name: 'a', source });
    const metas = ['a', 'a/version-1'].map((name) =>
      join(folder, 'mlruns/models', name, 'meta.yaml'),
    );
    for (const meta of metas) {
      await writeFile(meta, `${await readFile(meta, 'utf8')}future_key: kept\n`);
    }
    await store.moveVersion('a', 1, { stage: 'Staging', archivesExisting: true });
    for (const meta of metas) expect(await readFile(meta, 'utf8')).toMatch(/future_key: 'kept'/);
  });

  test('a logged model beside the registry is found, its run with it', async () => {
    const folder = await makeFolder();
    await writeFiles(folder, {
      'mlruns/0/models/m-1/meta.yaml': 'artifact_location: /data/m-1\nsource_run_id: abc\n',
    });
    const store = await open(folder);
    await store.createModel({ name: 'a' });
    const version = { name: 'a', source: 'models:/m-1', modelId: 'm-1' };
    expect(await store.createVersion(version)).toMatchObject({ runId: 'abc', modelId: 'm-1' });
    const meta = join(folder, 'mlruns/models/a/version-1/meta.yaml');
    expect(await readFile(meta, 'utf8')).toMatch(/storage_location: '\/data\/m-1'/);
    const missing = { name: 'a', source: 'models:/m-2' };
    await expect(store.createVersion(missing)).rejects.toThrow(/`models:\/m-2` names no model/);
  });
});

test('a full disk is told as such, and all stays as it was', async ({ skip }) => {
  const disk = await makeFolder();
  const options = ['-t', 'tmpfs', '-o', 'size=256k', 'tmpfs', disk];
  const { failed } = await execa('mount', options, { reject: false });
  if (failed) return skip('no small file system can be mounted here');
  try {
    const env = { MLTS_CACHE_DIR: await makeFolder() };
    const store = await openRegistryStore(`${disk}/mlruns`, createTestContext({ env }));
    await store.createModel({ name: 'a', description: 'why' });
    await store.createVersion({ name: 'a', source });
    const [model, files] = [await store.getModel('a'), await readdir(disk, { recursive: true })];
    await writeFile(join(disk, 'big'), Buffer.alloc(1_000_000)).catch(() => {});
    for (const write of [
      () => store.createModel({ name: 'b' }),
      () => store.createVersion({ name: 'a', source }),
      () => store.updateModel('a', 'because'),
      () => store.setModelTag('a', { key: 'k', value: 'v' }),
      () => store.renameModel('a', 'c'),
    ]) {
      await expect(write()).rejects.toThrow(/^cannot write to .*: no space left on the disk$/);
    }
    await rm(join(disk, 'big'));
    expect(await store.getModel('a')).toEqual(model);
    const left = await readdir(disk, { recursive: true });
    expect(left.filter((path) => !/\/tags$/.test(path)).sort()).toEqual(files.sort());
  } finally {
    await execa('umount', [disk]);
  }
});

test('a folder of MLflow 2.1 is read, and goes on', async () => {
  const folder = await makeFolder();
  await writeFiles(join(folder, 'mlruns/models/churn'), {
    'meta.yaml': `creation_timestamp: 1695518636052
description: 'why: é'
last_updated_timestamp: 1695518636062
name: churn
`,
    'tags/team': 'a',
    'version-1/meta.yaml': `creation_timestamp: 1695518636054
current_stage: Production
description: null
last_updated_timestamp: 1695518636062
name: churn
run_id: abc
run_link: null
source: s3://bucket/one
status: READY
status_message: null
user_id: null
version: 1
`,
  });
  const store = await open(folder);
  expect(await store.getModel('churn')).toMatchObject({
    description: 'why: é',
    tags: [{ key: 'team', value: 'a' }],
    aliases: [],
    latestVersions: [{ version: 1, stage: 'Production', runId: 'abc', source: 's3://bucket/one' }],
    creationTimeMs: 1_695_518_636_052,
  });
  await store.createVersion({ name: 'churn', source: 'models:/churn/1' });
  const script = `
import json, sys
from mlflow import MlflowClient
client = MlflowClient(sys.argv[1], sys.argv[1])
print(json.dumps(client.get_model_version_download_uri("churn", "2")))`;
  expect(await askPython(script, [`file://${folder}/mlruns`])).toBe('s3://bucket/one');
});

async function waitUntil(holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) await sleep(10);
}

describe('many writers', () => {
  test('of one name: one makes the model', async () => {
    const folder = await makeFolder();
    const stores = await Promise.all(Array.from({ length: 10 }, () => open(folder)));
    const results = await Promise.allSettled(
      stores.map((store) => store.createModel({ name: 'wanted' })),
    );
    expect(results.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  });

  test("what mlts and Python's client make at once is all there", async () => {
    const folder = await makeFolder();
    const store = await open(folder);
    await store.createModel({ name: 'a' });
    // Python's client takes no lock: it may have to give up, and says so.
    const script = `
import json, sys
from mlflow import MlflowClient
from mlflow.exceptions import MlflowException
client = MlflowClient(sys.argv[1], sys.argv[1])
made = []
while len(made) < 20:
    try:
        made.append(client.create_model_version("a", f"s3://theirs/{len(made)}").version)
    except MlflowException:
        pass
print(json.dumps(made))`;
    const theirs = askPython<readonly number[]>(script, [`file://${folder}/mlruns`]);
    const search = { filter: "source_path LIKE 's3://theirs/%'", maxResults: 1 };
    const hasBegun = async () => (await store.searchVersions(search)).items.length > 0;
    await Promise.race([theirs, waitUntil(hasBegun)]);
    const ours: number[] = [];
    while (ours.length < 10) {
      const made = await store.createVersion({ name: 'a', source: `s3://ours/${ours.length}` });
      ours.push(made.version);
    }
    const numbers = [...ours, ...(await theirs)];
    expect(new Set(numbers).size).toBe(numbers.length);
    const found = await store.searchVersions({ maxResults: 10_000 });
    const sources = new Map(found.items.map((item) => [item.version, item.source]));
    expect(ours.map((version) => sources.get(version))).toEqual(
      ours.map((_, index) => `s3://ours/${index}`),
    );
    expect((await theirs).map((version) => sources.get(version))).toEqual(
      Array.from({ length: 20 }, (_, index) => `s3://theirs/${index}`),
    );
  });
});
