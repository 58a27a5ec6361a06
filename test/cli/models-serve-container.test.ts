import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { makeCertificate } from '../setup/certificate.ts';
import { ensureMlflow, findFreePort } from '../setup/mlflow.ts';
import { ensureModels } from '../setup/models.ts';
import { createRig, type Rig } from './rig.ts';

const SLOW = { timeout: 60_000, interval: 200 };

/** What a container starts, without one: whoever asked for a certificate is not served in the clear. */
describe("gunicorn's certificates in GUNICORN_CMD_ARGS", () => {
  let rig: Rig;
  let path: string;
  let model: string;
  beforeAll(async () => {
    rig = createRig();
    path = `${(await ensureMlflow()).bin}:${process.env.PATH}`;
    model = join(await ensureModels(), 'custom');
  });
  afterAll(() => rig?.[Symbol.asyncDispose]());

  function start(settings: string, port: number) {
    const args = ['--model-uri', model, '--host', '127.0.0.1', '--port', String(port), '-w', '1'];
    const env = { PATH: path, GUNICORN_CMD_ARGS: settings };
    return rig.start(['models', 'serve-container', ...args], { env });
  }

  test('--certfile alone holds the key too', async () => {
    const { key, certificate } = await makeCertificate(rig.directory);
    const both = rig.path('both.pem');
    await writeFile(both, (await readFile(certificate, 'utf8')) + (await readFile(key, 'utf8')));
    const port = await findFreePort();
    const serving = start(`--certfile=${both}`, port);
    const address = `127.0.0.1:${port}/version`;
    const ask = (url: string, ...args: readonly string[]) =>
      execa('curl', ['-sf', ...args, url], { reject: false });
    const isServed = async () => {
      const asked = [ask(`https://${address}`, '--cacert', certificate), ask(`http://${address}`)];
      return (await Promise.all(asked)).map(({ exitCode }) => exitCode === 0);
    };
    await vi.waitUntil(async () => (await isServed()).includes(true), SLOW);
    expect(await isServed()).toEqual([true, false]);
    serving.kill('SIGTERM');
    expect(await serving.ended).toMatchObject({ exitCode: 0 });
  });

  test('--keyfile alone is refused', async () => {
    const ended = await start('--keyfile key.pem', await findFreePort()).ended;
    expect(ended).toMatchObject({ exitCode: 2 });
    expect(ended.stderr).toMatch(/^error: --tls-cert and --tls-key go together\n/);
  });
});
