import { fileURLToPath } from 'node:url';
import { NotFound } from '../core/errors.ts';
import { type BuildEntry, listFolderEntries } from '../host/docker/build-entries.ts';
import { kindOf } from '../host/files.ts';

/** `linux/amd64` or `linux/arm64`, as Docker names them, to Node's names. */
const ARCHITECTURES: Readonly<Record<string, string>> = { amd64: 'x64', arm64: 'arm64' };

export interface ServerFiles {
  readonly entries: readonly BuildEntry[];
  /** Of Node, below the server's folder. */
  readonly nodePath: string;
}

/**
 * The program that serves in an image: this one, as it is bundled, with a Node for the image's architecture.
 *
 * @throws NotFound where this installation is not bundled, or has no Node for that architecture.
 */
export async function findServerFiles(platform: string | undefined): Promise<ServerFiles> {
  const root = await findProgram();
  const architecture = readArchitecture(platform);
  const nodePath = `node_modules/node-linux-${architecture}/bin/node`;
  const node = await findNode(root, architecture);
  return {
    nodePath,
    entries: [
      { path: 'server/bin/mlts.cjs', content: { file: `${root}bin/mlts.cjs` }, isExecutable: true },
      ...(await listFolderEntries(`${root}dist`, 'server/dist')),
      { path: `server/${nodePath}`, content: { file: node }, isExecutable: true },
      { path: 'server/package.json', content: { file: `${root}package.json` } },
    ],
  };
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
    hint: `npm install --no-save --force node-linux-${architecture}@24 in the folder of mlts, or choose another --platform`,
  });
}
