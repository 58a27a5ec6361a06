import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { BlobServiceClient } from '@azure/storage-blob';
import { execa } from 'execa';
import { once, testCache } from './cache.ts';
import type { CertificateFiles } from './certificate.ts';
import { findFreePort, type RunningServer, waitUntilListening } from './mlflow.ts';

/** Microsoft's own emulator of the blob service; it knows no data lakes. */
const AZURITE_VERSION = '3.37.0';
/** The account and key that every Azurite has: no secret. */
const ACCOUNT = 'devstoreaccount1';
const KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw==';

/** The program that serves blobs, installed by npm on first use. */
function ensureAzurite(): Promise<string> {
  return once('azurite', async () => {
    const directory = join(testCache, `azurite-${AZURITE_VERSION}`);
    const done = join(directory, 'complete');
    if (!existsSync(done)) {
      await rm(directory, { recursive: true, force: true });
      await mkdir(directory, { recursive: true });
      const quiet = ['--no-audit', '--no-fund', '--no-save', '--omit=dev', '--ignore-scripts'];
      await execa('npm', ['install', ...quiet, `azurite@${AZURITE_VERSION}`], { cwd: directory });
      await writeFile(done, '');
    }
    return join(directory, 'node_modules/azurite/dist/src/blob/main.js');
  });
}

export interface AzureServer extends RunningServer {
  readonly account: string;
  /** Variables with which a client finds and may use it. */
  readonly env: Readonly<Record<string, string>>;
  createContainer(name: string): Promise<void>;
}

/** A blob server on a free port, its data in a temporary folder; with a certificate it speaks TLS, and takes logins. */
export async function startAzureServer(tls?: CertificateFiles): Promise<AzureServer> {
  const program = await ensureAzurite();
  const port = await findFreePort();
  const folder = await mkdtemp(join(tmpdir(), 'mlts-azurite-'));
  const args = ['--blobHost', '127.0.0.1', '--blobPort', String(port), '--location', folder];
  const quiet = ['--silent', '--skipApiVersionCheck', '--disableTelemetry'];
  const secure =
    tls === undefined ? [] : ['--cert', tls.certificate, '--key', tls.key, '--oauth', 'basic'];
  const server = spawn(process.execPath, [program, ...args, ...quiet, ...secure], {
    stdio: 'ignore',
    detached: true,
  });
  await waitUntilListening(port);
  const protocol = tls === undefined ? 'http' : 'https';
  const uri = `${protocol}://127.0.0.1:${port}/${ACCOUNT}`;
  const connection = `DefaultEndpointsProtocol=${protocol};AccountName=${ACCOUNT};AccountKey=${KEY};BlobEndpoint=${uri};`;
  return {
    uri,
    account: ACCOUNT,
    env: { AZURE_STORAGE_CONNECTION_STRING: connection },
    async createContainer(name) {
      await BlobServiceClient.fromConnectionString(connection).createContainer(name);
    },
    async stop() {
      if (server.pid !== undefined && server.exitCode === null)
        process.kill(-server.pid, 'SIGKILL');
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}
