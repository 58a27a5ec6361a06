import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startCountingProxy } from '../setup/counting-proxy.ts';
import { type MltsServer, startMltsServer } from '../setup/mlts-server.ts';
import type { Rig } from './rig.ts';
import { createImageRig, tinyModel } from './tiny-model.ts';

/** Files and labels of an image are of one version, also where its address means another one a moment later. */
describe('the version of a model in its image', () => {
  let rig: Rig;
  let server: MltsServer;
  beforeAll(async () => {
    rig = createImageRig();
    server = await startMltsServer();
    await logVersion('1');
    await logVersion('2');
  });
  afterAll(async () => {
    await server?.stop();
    await rig?.[Symbol.asyncDispose]();
  });

  const mlts = async (trackingUri: string, ...args: readonly string[]): Promise<string> => {
    const cache = { MLTS_MODEL_CACHE: rig.path('models') };
    const ended = await rig.mlts(args, { env: { MLFLOW_TRACKING_URI: trackingUri, ...cache } });
    expect(ended, ended.stderr).toMatchObject({ exitCode: 0 });
    return ended.stdout.trim();
  };
  const promote = (version: string, to: string) =>
    mlts(server.uri, 'models', 'promote', 'X', '--version', version, '--to', to);

  async function logVersion(version: string): Promise<void> {
    await rig.write({ ...tinyModel(['six']), 'model/weights.bin': `of version ${version}` });
    const created = await mlts(server.uri, 'runs', 'create', '--experiment-id', '0');
    const { run_id: run } = JSON.parse(created) as { run_id: string };
    const log = ['artifacts', 'log-artifacts', '-l', 'model', '-a', 'model'];
    await mlts(server.uri, ...log, '-r', run);
    const register = ['models', 'register', `runs:/${run}/model`, '--name', 'X'];
    expect(await mlts(server.uri, ...register)).toBe(version);
  }

  async function generate(trackingUri: string, address: string) {
    await mlts(trackingUri, 'models', 'generate-dockerfile', '-m', address, '-d', 'out');
    const dockerfile = await readFile(rig.path('out/Dockerfile'), 'utf8');
    return {
      label: /^.*mlflow\.model\.version="(.*?)"/m.exec(dockerfile)?.[1],
      weights: await readFile(rig.path('out/model/weights.bin'), 'utf8'),
    };
  }

  test.each([
    ['models:/X@champion', '@champion'],
    ['models:/X/Production', 'Production'],
  ])('%s moves while it is looked up', async (address, target) => {
    await promote('1', target);
    let isMoved = false;
    const proxy = await startCountingProxy(server.uri, async (request) => {
      if (isMoved || !request.includes('/registered-models/')) return;
      isMoved = true;
      await promote('2', target);
    });
    try {
      const first = { label: '1', weights: 'of version 1' };
      expect(await generate(proxy.uri, address)).toEqual(first);
      expect(isMoved).toBe(true);
      const second = { label: '2', weights: 'of version 2' };
      expect(await generate(proxy.uri, address)).toEqual(second);
    } finally {
      await proxy.stop();
    }
  });
});
