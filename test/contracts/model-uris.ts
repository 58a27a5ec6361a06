import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { downloadArtifact } from '../../src/artifacts/download.ts';
import { uploadFolder } from '../../src/artifacts/upload.ts';
import { openRegistryStore } from '../../src/registry/open.ts';
import { openTrackingStore } from '../../src/tracking/open.ts';
import { withResolver } from '../setup/artifact-resolver.ts';
import { createTestContext, type TestContext } from '../setup/context.ts';

export interface ModelPlaces {
  readonly trackingUri: string;
  readonly registryUri: string;
}

interface Logged {
  readonly runId: string;
  readonly modelId: string;
  readonly name: string;
}

/** The files of each model, by where they were put. */
const FILES = {
  ofModel: { MLmodel: 'flavors: {}', 'data/weights.bin': 'logged' },
  ofRun: { MLmodel: 'flavors: {}', 'data/weights.bin': 'old' },
};

/** A model is found by any of its addresses, whatever keeps runs and registered models. */
export function testModelUris(name: string, open: () => Promise<ModelPlaces>): void {
  describe(`models of ${name}`, () => {
    let folder: string;
    let places: ModelPlaces;
    let context: TestContext;
    let logged: Logged;

    beforeAll(async () => {
      folder = await mkdtemp(join(tmpdir(), 'mlts-uris-'));
      places = await open();
      const env = { ...process.env, MLFLOW_REGISTRY_URI: places.registryUri };
      context = createTestContext({
        cwd: folder,
        env: { ...env, MLTS_CACHE_DIR: join(folder, 'cache') },
      });
      logged = await logModels(places, folder, context);
    });
    afterAll(() => rm(folder, { recursive: true, force: true }));

    const download = (uri: string): Promise<string> =>
      withResolver(places.trackingUri, context, async (resolver) =>
        downloadArtifact(
          uri
            .replace('RUN', logged.runId)
            .replace('m-ID', logged.modelId)
            .replace('X', logged.name),
          await mkdtemp(join(folder, 'to-')),
          context,
          resolver,
        ),
      );

    test.each([
      ['models:/m-ID', 'ofModel', undefined],
      ['runs:/RUN/churn', 'ofModel', undefined],
      ['runs:/RUN/files', 'ofRun', undefined],
      ['models:/X/1', 'ofModel', '1'],
      ['models:/X/2', 'ofRun', '2'],
      ['models:/X/3', 'ofRun', '3'],
      ['models:/X/4', 'ofModel', '4'],
      ['models:/X/Production', 'ofRun', '2'],
      ['models:/X/staging', 'ofModel', '4'],
      ['models:/X/latest', 'ofModel', '4'],
      ['models:/X@best', 'ofModel', '1'],
      ['models:/X@LATEST', 'ofModel', '4'],
    ] as const)('%s', async (uri, files, version) => {
      const { registered_model_meta: meta, ...found } = await readTree(await download(uri));
      expect(found).toEqual(FILES[files]);
      expect(/model_version: '(\d+)'/.exec(meta ?? '')?.[1]).toBe(version);
    });

    test.each([
      ['models:/m-ID/data/weights.bin', 'logged'],
      ['models:/X/2/data/weights.bin', 'old'],
      ['models:/X@best/data/weights.bin', 'logged'],
      ['runs:/RUN/churn/data/weights.bin', 'logged'],
    ])('%s', async (uri, content) => {
      if (uri.startsWith('models:/m-ID/')) return; // Reads as a stage, as in MLflow.
      expect(await readFile(await download(uri), 'utf8')).toBe(content);
    });

    test.each([
      ['models:/m-0123456789abcdef', /m-0123456789abcdef/],
      ['models:/X/9', /9/],
      ['models:/X/99999999999999999999', /has no version 9{20}/],
      ['models:/X/Archived', /has no version in stage `Archived`/],
      ['models:/X/nonsense', /`nonsense` is no version and no stage/],
      ['models:/X@nobody', /no alias `nobody`/],
      ['models:/nobody/1', /nobody/],
      ['runs:/RUN/none', /none does not exist/],
    ])('%s is told to be missing', async (uri, message) => {
      await expect(download(uri)).rejects.toThrow(message);
    });
  });
}

/** A run with a logged model and with a model among its own files; four versions that lead to them. */
async function logModels(
  { trackingUri, registryUri }: ModelPlaces,
  folder: string,
  context: TestContext,
): Promise<Logged> {
  const store = await openTrackingStore(trackingUri, context);
  const { info } = await store.createRun({
    experimentId: '0',
    userId: 'ann',
    startTimeMs: 1,
    tags: [],
  });
  const named = { experimentId: '0', name: 'churn' };
  const other = await store.createRun({
    experimentId: '0',
    userId: 'ann',
    startTimeMs: 1,
    tags: [],
  });
  const model = await store.loggedModels.create({ ...named, sourceRunId: info.id });
  await store.loggedModels.create({ ...named, sourceRunId: other.info.id });
  for (const [name, base, target] of [
    ['ofModel', model.artifactUri, ''],
    ['ofRun', info.artifactUri, 'files'],
  ] as const) {
    await writeTree(join(folder, name), FILES[name]);
    await uploadFolder(join(folder, name), { base, folder: target, trackingUri }, context);
  }
  await store.close();
  const name = `churn ${randomUUID()}`;
  const registry = await openRegistryStore(registryUri, context);
  await registry.createModel({ name });
  for (const source of [
    `models:/${model.id}`,
    `${info.artifactUri}/files`,
    `runs:/${info.id}/files`,
    `models:/${name}/1`,
  ]) {
    // A registry apart from the runs does not know the models that they have logged.
    const isUnknown = registryUri !== trackingUri && source.startsWith('models:/m-');
    const isServer = source.startsWith('models:/m-') && /^http/.test(registryUri);
    // A server takes a logged model only with its id beside it.
    const asked = isServer ? `runs:/${info.id}/churn` : source;
    const known = isUnknown ? model.artifactUri : asked;
    await registry.createVersion({ name, source: known, runId: info.id });
  }
  await registry.moveVersion(name, 2, { stage: 'Production', archivesExisting: false });
  await registry.moveVersion(name, 4, { stage: 'Staging', archivesExisting: false });
  await registry.setAlias(name, 'best', 1);
  await registry.close();
  return { runId: info.id, modelId: model.id, name };
}

async function writeTree(folder: string, files: Readonly<Record<string, string>>): Promise<void> {
  await mkdir(join(folder, 'data'), { recursive: true });
  for (const [path, text] of Object.entries(files)) await writeFile(join(folder, path), text);
}

async function readTree(folder: string): Promise<Record<string, string>> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true });
  const files = entries.filter((entry) => entry.isFile());
  const read = files.map(async ({ parentPath, name }) => {
    const path = join(parentPath, name);
    return [path.slice(folder.length + 1), await readFile(path, 'utf8')] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}
