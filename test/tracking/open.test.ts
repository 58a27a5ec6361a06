import { mkdir, mkdtemp, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTrackingStore, resolveTrackingUri } from '../../src/tracking/open.ts';
import { createTestContext } from '../setup/context.ts';
import { askPython } from '../setup/mlflow.ts';

/** Folders whose names need quoting: empty, with experiments, with an `mlruns` that holds none. */
async function makeFolders(): Promise<readonly string[]> {
  const root = await mkdtemp(join(tmpdir(), 'mlts-open-'));
  const folders = ["a b%20 é'(x)!*~", 'with experiments #1', 'empty mlruns'].map((name) =>
    join(root, name),
  );
  for (const folder of folders) await mkdir(folder);
  await mkdir(join(folders[1] ?? '', 'mlruns', '12'), { recursive: true });
  await writeFile(join(folders[1] ?? '', 'mlruns', '12', 'meta.yaml'), '');
  await mkdir(join(folders[2] ?? '', 'mlruns', 'models'), { recursive: true });
  await writeFile(join(folders[2] ?? '', 'mlruns', 'models', 'meta.yaml'), '');
  return folders;
}

test('the default is what Python says in the same folder', async () => {
  const folders = await makeFolders();
  const script = `
import json, os, sys
from mlflow.tracking import get_tracking_uri
found = []
for folder in sys.argv[1:]:
    os.chdir(folder)
    found.append(get_tracking_uri())
print(json.dumps(found))`;
  const ours = folders.map((cwd) => resolveTrackingUri(createTestContext({ cwd, env: {} })));
  expect(await Promise.all(ours)).toEqual(await askPython(script, folders));
});

test.each([
  ['http://host:5000', 'http://host:5000'],
  ['sqlite:///x.db', 'sqlite:///x.db'],
])('MLFLOW_TRACKING_URI=%s is taken as it is', async (value, uri) => {
  const env = { MLFLOW_TRACKING_URI: value };
  expect(await resolveTrackingUri(createTestContext({ env }))).toBe(uri);
});

test('relative addresses are made absolute for the child, which runs in another folder', async () => {
  const cwd = await mkdtemp(join(tmpdir(), 'mlts-open-'));
  const context = createTestContext({ cwd, env: { MLTS_CACHE_DIR: cwd } });
  const opened = async (uri: string) => {
    const store = await openTrackingStore(uri, context);
    await store.close();
    return store.uri;
  };
  expect(await opened('sqlite:///sub/x.db')).toBe(`sqlite:///${cwd}/sub/x.db`);
  expect(await opened('sqlite+pysqlite:///x.db?timeout=3')).toBe(`sqlite:///${cwd}/x.db?timeout=3`);
  expect(await opened('sqlite:///100%.db')).toBe(`sqlite:///${cwd}/100%25.db`);
  expect(await opened('runs')).toBe(`${cwd}/runs`);
  expect(await opened('file:runs')).toBe(`file://${cwd}/runs`);
  expect(await opened('file:100%')).toBe(`file://${cwd}/100%25`);
  expect(await opened(`file://${cwd}/100%`)).toBe(`file://${cwd}/100%`);
  expect(await opened(`file://localhost${cwd}/runs`)).toBe(`file://localhost${cwd}/runs`);
});

test.each([
  ['mysql+pymysql://u:secret@h/db', /`mysql\+pymysql:\/\/u:\*+@h\/db`/, /mlflow server/],
  ['mssql://h/db', /mssql/, /mlflow server/],
  ['postgres://h/db', /postgres:/, /postgresql:\/\//],
  ['databricks-uc', /Unity Catalog/, /use MLflow/],
  ['databricks://scope:key', /secret scope/, /databricks:\/\/PROFILE/],
  ['s3://bucket/mlruns', /s3/, /sqlite:\/\/\/FILE/],
  ['sqlite:///file:x.db?uri=true', /SQLite's own/, /without `file:`/],
  ['file://server/share', /another machine, `server`/, /three slashes/],
])('%s is refused with the mend', async (uri, message, hint) => {
  await expect(openTrackingStore(uri, createTestContext())).rejects.toMatchObject({
    code: 'INVALID_PARAMETER_VALUE',
    message: expect.stringMatching(message),
    hint: expect.stringMatching(hint),
  });
});
