import { execFileSync } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { listFolder, readTextFile } from '../../src/host/text-file.ts';
import { makeFolder } from '../projects/project-folder.ts';

test('text is read without its byte order mark, up to the limit', async () => {
  const directory = await makeFolder({ a: '\ufeffé\r\n', b: '12345' });
  expect(await readTextFile(join(directory, 'a'), 100)).toBe('é\r\n');
  expect(await readTextFile(join(directory, 'b'), 5)).toBe('12345');
});

test.each([
  ['absent', 'NotFound', 'does not exist'],
  ['large', 'InvalidInput', 'is too large: 101 bytes, at most 100 are read'],
  ['binary', 'InvalidInput', 'is a binary file, not text'],
  ['latin', 'InvalidInput', 'is not UTF-8 text'],
  ['folder', 'InvalidInput', 'is a folder, not a file'],
  ['large/x', 'InvalidInput', 'is not a folder, or lies below a file'],
  ['loop', 'InvalidInput', 'is a link that leads back to itself'],
  ['pipe', 'InvalidInput', 'is not a regular file'],
  ['device', 'InvalidInput', 'is not a regular file'],
])('%s is a %s: %s', async (file, name, message) => {
  const directory = await makeFolder({
    large: 'x'.repeat(101),
    binary: 'a\0b',
    latin: Buffer.from('caf\xe9', 'latin1'),
    'folder/x': '',
  });
  const path = join(directory, file);
  if (file === 'loop') await symlink(path, path);
  if (file === 'device') await symlink('/dev/zero', path);
  if (file === 'pipe') execFileSync('mkfifo', [path]);
  await expect(readTextFile(path, 100)).rejects.toMatchObject({
    name,
    message: `${path} ${message}`,
  });
});

test('a folder is listed in order; one that is not there is an error', async () => {
  const directory = await makeFolder({ b: '', a: '', 'c/d': '' });
  expect(await listFolder(directory)).toEqual(['a', 'b', 'c']);
  await expect(listFolder(join(directory, 'e'))).rejects.toMatchObject({ name: 'NotFound' });
  await expect(listFolder(join(directory, 'a'))).rejects.toMatchObject({ name: 'InvalidInput' });
});
