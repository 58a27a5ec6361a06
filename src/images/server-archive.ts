import { createHash } from 'node:crypto';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Env } from '../core/environment-variables.ts';
import { NotFound } from '../core/errors.ts';
import { type BuildEntry, listFolderEntries } from '../host/docker/build-entries.ts';
import { keepArchive } from '../host/docker/kept-archive.ts';
import { describeFile } from '../host/file-transfer.ts';
import { cacheDirectory, kindOf, readTextIfPresent } from '../host/files.ts';
import { copyStripped } from '../host/stripped-program.ts';

/** `linux/amd64` or `linux/arm64`, as Docker names them, to Node's names. */
const ARCHITECTURES: Readonly<Record<string, string>> = { amd64: 'x64', arm64: 'arm64' };

export interface Server {
  /** A tar file in the context, which `ADD` unpacks. */
  readonly entry: BuildEntry;
  /** Of Node, below the server's folder. */
  readonly nodePath: string;
}

/** Of the tar file in the context of a build. */
export const SERVER_ARCHIVE = 'server.tar';

/**
 * The program that serves in an image: this one, as it is bundled, with a Node for the image's architecture.
 * Packed once, it is the same file for all images.
 *
 * @throws NotFound where this installation is not bundled, or has no Node for that architecture.
 */
export async function packServer(platform: string | undefined, env: Env): Promise<Server> {
  const root = await findProgram();
  const architecture = readArchitecture(platform);
  const nodePath = `node_modules/node-linux-${architecture}/bin/node`;
  const node = await findNode(root, architecture);
  const folder = join(cacheDirectory(env), 'servers');
  const file = await keepArchive(folder, await nameServer(root, node), async (workplace) => {
    const stripped = join(workplace, 'node');
    await copyStripped(node, stripped);
    return listServerFiles(root, { path: nodePath, content: { file: stripped } });
  });
  return { nodePath, entry: { path: SERVER_ARCHIVE, content: { file, isConstant: true } } };
}

/** By all that may be another one in another installation. */
async function nameServer(root: string, node: string): Promise<string> {
  const texts = [`${root}package.json`, `${root}dist/main.js`].map(readTextIfPresent);
  const states = [`${root}dist/main.js`, node].map(describeFile);
  const content = [node, await Promise.all(texts), await Promise.all(states)];
  const digest = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  return `server-${digest.slice(0, 16)}`;
}

async function listServerFiles(root: string, node: BuildEntry): Promise<readonly BuildEntry[]> {
  return [
    { path: 'bin/mlts.cjs', content: { file: `${root}bin/mlts.cjs` }, isExecutable: true },
    ...(await listFolderEntries(`${root}dist`, 'dist')),
    { ...node, isExecutable: true },
    { path: 'package.json', content: { file: `${root}package.json` } },
  ];
}

/** The folder with `bin/` and `dist/`: this file is in dist/ when it is bundled, in src/images/ when it is not. */
async function findProgram(): Promise<string> {
  for (const above of ['../', '../../']) {
    const root = fileURLToPath(new URL(above, import.meta.url));
    if ((await kindOf(`${root}dist/main.js`)) === 'file') return root;
  }
  throw new NotFound('mlts is not built: an image needs its bundled program', {
    hint: 'run `npm run build` in its folder',
  });
}

function readArchitecture(platform: string | undefined): string {
  if (platform === undefined) return process.arch;
  const name = platform.split('/')[1] ?? platform;
  return ARCHITECTURES[name] ?? name;
}

async function findNode(root: string, architecture: string): Promise<string> {
  const name = `node-linux-${architecture}/bin/node`;
  const places = [`${root}node_modules/${name}`, `${root}../${name}`];
  for (const place of places) if ((await kindOf(place)) === 'file') return place;
  const isOwn = architecture === process.arch && process.platform === 'linux';
  if (isOwn) return process.execPath;
  throw new NotFound(`there is no Node for linux ${architecture} to put into the image`, {
    hint: `run \`npm install --no-save --force node-linux-${architecture}@24\` in the folder of mlts, or choose another --platform`,
  });
}
