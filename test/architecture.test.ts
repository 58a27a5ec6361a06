import { readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { describe, expect, test } from 'vitest';

/** The map of `src/`: a room may import from rooms further right, and from itself. */
const LAYERS: readonly (readonly string[])[] = [
  ['main'],
  ['cli'],
  ['projects', 'migration', 'serving', 'server'],
  ['environments', 'tracking', 'registry', 'artifacts', 'models', 'images', 'http'],
  ['sql'],
  ['search'],
  ['host'],
  ['core'],
];

/** The files through which a room may be entered from one beside it: its interface. */
const INTERFACES = [
  'tracking/store.ts',
  'registry/store.ts',
  'artifacts/store.ts',
  'environments/environment.ts',
  'environments/docker-environment.ts',
  'images/build.ts',
  'images/dockerfile.ts',
  'images/pull.ts',
];

/** Packages that belong to one place. */
const HOMES: Readonly<Record<string, RegExp>> = {
  commander: /^cli\//,
  execa: /^host\//,
  'simple-git': /^host\//,
  dockerode: /^host\//,
  ora: /^host\//,
  chalk: /^host\//,
  undici: /^host\//,
  yauzl: /^host\//,
  'node:fs': /^host\//,
  'node:fs/promises': /^host\//,
  'node:child_process': /^host\//,
  'node:sqlite': /^(host|sql)\//,
  '@aws-sdk/client-s3': /^artifacts\//,
  '@azure/storage-blob': /^artifacts\//,
  '@azure/identity': /^artifacts\//,
  '@google-cloud/storage': /^artifacts\//,
  pg: /^sql\//,
  kysely: /^(sql|(tracking|registry)\/sql)\//,
};

const source = resolve(import.meta.dirname, '../src');
const files = readdirSync(source, { recursive: true, encoding: 'utf8' }).filter((name) =>
  name.endsWith('.ts'),
);

interface Import {
  readonly from: string;
  readonly target: string;
}

function readImports(file: string): Import[] {
  const text = readFileSync(join(source, file), 'utf8');
  const found = text.matchAll(/(?:from|import)\s*\(?\s*'([^']+)'/g);
  return [...found].map(([, target]) => ({ from: file, target: target ?? '' }));
}

const imports = files.flatMap(readImports);

const roomOf = (file: string): string => file.split('/')[0]?.replace(/\.ts$/, '') ?? '';
const layerOf = (file: string): number => LAYERS.findIndex((rooms) => rooms.includes(roomOf(file)));
const own = imports
  .filter(({ target }) => target.startsWith('.'))
  .map(({ from, target }) => ({
    from,
    to: relative(source, resolve(source, dirname(from), target)),
  }));

describe('the map of src/', () => {
  test('every file is in a known room', () => {
    expect(files.filter((file) => layerOf(file) === -1)).toEqual([]);
  });

  test('imports point down', () => {
    // main.ts knows the version, which lives beside the verbs; nothing else points up.
    expect(own.filter(({ from, to }) => layerOf(to) < layerOf(from))).toEqual([]);
  });

  test('rooms side by side meet only at their interfaces', () => {
    const sideways = own.filter(
      ({ from, to }) => layerOf(from) === layerOf(to) && roomOf(from) !== roomOf(to),
    );
    expect(sideways.filter(({ to }) => !INTERFACES.includes(to))).toEqual([]);
  });

  test.each(Object.entries(HOMES))('%s is imported only where it belongs', (name, home) => {
    const strangers = imports.filter(({ from, target }) => target === name && !home.test(from));
    expect(strangers).toEqual([]);
  });

  test('start-up imports little: what main.ts needs before it knows the verb', () => {
    const eager = readImports('main.ts').map(({ target }) => target);
    expect(
      eager.filter((target) => !target.startsWith('.') && !target.startsWith('node:')),
    ).toEqual([]);
  });

  test('no file grows into the place where everything lives', () => {
    const long = files.filter(
      (file) =>
        !file.includes('/schema/') &&
        readFileSync(join(source, file), 'utf8').split('\n').length > 400,
    );
    expect(long).toEqual([]);
  });
});
