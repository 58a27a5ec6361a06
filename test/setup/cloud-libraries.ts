import { existsSync } from 'node:fs';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { once, testCache } from './cache.ts';
import { ensureMlflow } from './mlflow.ts';

const PACKAGES = [
  'google-cloud-storage==3.17.1',
  'azure-storage-blob==12.31.1',
  'azure-identity==1.27.0',
];

/** A folder for PYTHONPATH with what MLflow imports for Google's and Azure's clouds, made on first use. */
export async function ensureCloudLibraries(): Promise<string> {
  const { python } = await ensureMlflow();
  return once('cloud-libraries', async () => {
    const directory = join(testCache, 'cloud-libraries-1');
    const done = join(directory, 'complete');
    if (!existsSync(done)) {
      await rm(directory, { recursive: true, force: true });
      await execa(python, ['-m', 'pip', 'install', '-q', '--target', directory, ...PACKAGES]);
      await writeFile(done, '');
    }
    return directory;
  });
}
