import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { execa } from 'execa';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { trustBundle } from '../../src/host/http/certificates.ts';
import { type AzureServer, startAzureServer } from '../setup/azure.ts';
import { makeCertificate } from '../setup/certificate.ts';
import { mlflowEnv } from '../setup/mlflow.ts';

const mlts = resolve(import.meta.dirname, '../../bin/mlts.cjs');
let folder: string;
let certificate: string;
let server: AzureServer;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mlts-azure-tls-'));
  const files = await makeCertificate(folder);
  certificate = files.certificate;
  server = await startAzureServer(files);
  await trustBundle({ REQUESTS_CA_BUNDLE: certificate });
  await server.createContainer('lake');
});

afterAll(async () => {
  await server.stop();
  await rm(folder, { recursive: true, force: true });
});

/** Uploads a file of a run whose artifacts lie in Azure, and downloads it. */
async function roundTrip(env: Record<string, string>): Promise<string> {
  const options = {
    cwd: folder,
    env: mlflowEnv({
      MLFLOW_TRACKING_URI: `sqlite:///${folder}/runs.db`,
      MLFLOW_HTTP_REQUEST_MAX_RETRIES: '0',
      ...server.env,
      ...env,
    }),
    extendEnv: false,
  };
  const location = `wasbs://lake@${server.account}.blob.core.windows.net/runs`;
  const name = ['--experiment-name', randomUUID()];
  await execa(mlts, ['experiments', 'create', ...name, '--artifact-location', location], options);
  const { stdout } = await execa(mlts, ['runs', 'create', ...name], options);
  const { run_id: runId } = JSON.parse(stdout) as { run_id: string };
  await writeFile(join(folder, 'a.txt'), 'hello');
  const run = ['--run-id', runId];
  await execa(mlts, ['artifacts', 'log-artifact', ...run, '--local-file', 'a.txt'], options);
  await execa(mlts, ['artifacts', 'download', ...run, '--dst-path', 'got'], options);
  return readFile(join(folder, 'got', 'a.txt'), 'utf8');
}

test('the bundle that Python trusts is trusted with Azure too', async () => {
  expect(await roundTrip({ REQUESTS_CA_BUNDLE: certificate })).toBe('hello');
});

test('without it the certificate is refused at once, with the mend', async () => {
  const refused = await roundTrip({}).then(String, ({ stderr }: { stderr: string }) => stderr);
  expect(refused).toMatch(/^error: wasbs:.* TLS: self-signed certificate$/m);
  expect(refused).toMatch(/^hint: REQUESTS_CA_BUNDLE names the file/m);
  expect(refused).not.toContain('retry');
});

test('a bundle that is none is one line, and the mend', async () => {
  await writeFile(join(folder, 'none.pem'), 'nothing of that kind');
  const bundle = join(folder, 'none.pem');
  await expect(roundTrip({ REQUESTS_CA_BUNDLE: bundle })).rejects.toMatchObject({
    exitCode: 1,
    stderr: expect.stringContaining(`REQUESTS_CA_BUNDLE names \`${bundle}\`, which holds no`),
  });
});
