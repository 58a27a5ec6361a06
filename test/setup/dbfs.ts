import { mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { RunningServer } from './mlflow.ts';

export interface DbfsServer extends RunningServer {
  /** Variables with which a client finds and may use it. */
  readonly env: Readonly<Record<string, string>>;
}

/** What it takes for a login. */
export const DBFS_TOKEN = 'dapi-test-token';

/**
 * Speaks the DBFS API as Databricks documents it (list, delete, move) and as MLflow uses it (`/dbfs/PATH`), over
 * a temporary folder: there is no DBFS to be had outside of Databricks, and no emulator of it.
 */
export async function startDbfsServer(): Promise<DbfsServer> {
  const root = await mkdtemp(join(tmpdir(), 'mlts-dbfs-'));
  const server = createServer((request, response) => {
    handle(request, root).then(
      ({ status = 200, body }) => {
        const length = Buffer.byteLength(body);
        response.writeHead(status, { 'content-length': length }).end(body);
      },
      (error: unknown) => refuse(response, 500, 'INTERNAL_ERROR', String(error)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const uri = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    uri,
    env: { DATABRICKS_HOST: uri, DATABRICKS_TOKEN: DBFS_TOKEN },
    async stop() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await rm(root, { recursive: true, force: true });
    },
  };
}

interface Answer {
  readonly status?: number;
  readonly body: string | Buffer;
}

async function handle(request: IncomingMessage, root: string): Promise<Answer> {
  const content = Buffer.concat(await request.toArray());
  if (request.headers.authorization !== `Bearer ${DBFS_TOKEN}`)
    return fail(401, 'UNAUTHENTICATED', '');
  const { pathname, searchParams } = new URL(request.url ?? '', 'http://localhost');
  const place = (path: string): string => join(root, path);
  const raw = /^\/dbfs(\/.*)$/.exec(pathname)?.[1];
  if (raw !== undefined) return serveFile(request.method, place(decodeURIComponent(raw)), content);
  const json = content.length === 0 ? {} : JSON.parse(content.toString('utf8'));
  switch (`${request.method} ${pathname}`) {
    case 'GET /api/2.0/dbfs/list':
      return listFolder(root, searchParams.get('path') ?? '');
    case 'POST /api/2.0/dbfs/delete':
      await rm(place(json.path), { recursive: json.recursive, force: true });
      return { body: '{}' };
    case 'POST /api/2.0/dbfs/move': {
      const isThere = await stat(place(json.destination_path)).catch(() => undefined);
      if (isThere) return fail(400, 'RESOURCE_ALREADY_EXISTS', json.destination_path);
      await rename(place(json.source_path), place(json.destination_path));
      return { body: '{}' };
    }
    default:
      return fail(404, 'ENDPOINT_NOT_FOUND', pathname);
  }
}

async function serveFile(method = '', path: string, content: Buffer): Promise<Answer> {
  if (method === 'POST') {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, content);
    return { body: '' };
  }
  const found = await readFile(path).catch(() => undefined);
  return found === undefined ? fail(404, 'RESOURCE_DOES_NOT_EXIST', path) : { body: found };
}

async function listFolder(root: string, path: string): Promise<Answer> {
  const found = await stat(join(root, path)).catch(() => undefined);
  if (found === undefined) return fail(404, 'RESOURCE_DOES_NOT_EXIST', path);
  const names = found.isDirectory() ? await readdir(join(root, path)) : [''];
  const files = names.map(async (name) => {
    const full = name === '' ? path : join(path, name);
    const { size } = await stat(join(root, full));
    const is_dir = (await stat(join(root, full))).isDirectory();
    return { path: full, is_dir, file_size: is_dir ? 0 : size };
  });
  return { body: JSON.stringify(names.length === 0 ? {} : { files: await Promise.all(files) }) };
}

function fail(status: number, code: string, message: string): Answer {
  return { status, body: JSON.stringify({ error_code: code, message }) };
}

function refuse(response: ServerResponse, status: number, code: string, message: string): void {
  const { body } = fail(status, code, message);
  response.writeHead(status).end(body);
}
