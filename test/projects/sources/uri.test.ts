import { describe, expect, it } from 'vitest';
import { InvalidInput } from '../../../src/core/errors.ts';
import {
  hideCredentials,
  parseProjectUri,
  stripUserInfo,
} from '../../../src/projects/sources/uri.ts';

describe('parseProjectUri', () => {
  it.each([
    ['.', 'local', '.', ''],
    ['', 'local', '.', ''],
    ['#sub', 'local', '.', 'sub'],
    ['../a b', 'local', '../a b', ''],
    ["'quoted'", 'local', 'quoted', ''],
    ['dir#a.b/c', 'local', 'dir', 'a.b/c'],
    ['dir/with:colon', 'local', 'dir/with:colon', ''],
    ['file:///a/b%20c#d', 'local', '/a/b c', 'd'],
    ['file://localhost/a', 'local', '/a', ''],
    ['a/b.zip#c', 'zip', 'a/b.zip', 'c'],
    ['.zip', 'local', '.zip', ''],
    ['file:///a/b.zip', 'zip', '/a/b.zip', ''],
    ['https://h/x.zip', 'zip', 'https://h/x.zip', ''],
    ['https://h/x.zip?sig=1', 'zip', 'https://h/x.zip?sig=1', ''],
    ['https://h/x?y=a.zip', 'git', 'https://h/x?y=a.zip', ''],
    ['https://h/x.git#sub', 'git', 'https://h/x.git', 'sub'],
    ['git+https://h/x', 'git', 'https://h/x', ''],
    ['git+file:///a/b', 'git', 'file:///a/b', ''],
    ['git+ssh://git@h/x', 'git', 'ssh://git@h/x', ''],
    ['git@h:a/b.git#sub', 'git', 'git@h:a/b.git', 'sub'],
    ['h:a/b', 'git', 'h:a/b', ''],
    ['ssh://git@h:22/x', 'git', 'ssh://git@h:22/x', ''],
    ['git://h/x', 'git', 'git://h/x', ''],
  ])('reads `%s`', (uri, kind, location, subdirectory) => {
    expect(parseProjectUri(uri)).toMatchObject({ kind, location, subdirectory });
  });

  it.each(['x#..', 'x#a/../b', 'x#/etc', 'https://h/x#a/../../b', 'x#a\\..\\b'])(
    'refuses `%s`, which leaves the project',
    (uri) => {
      expect(() => parseProjectUri(uri)).toThrow(InvalidInput);
    },
  );

  it('refuses a file URL of another machine', () => {
    expect(() => parseProjectUri('file://host/a')).toThrow(/no address of a file on this machine/);
  });

  it.each([
    ['https://u:p@h/x#s', 'https://h/x#s'],
    ['git+https://token@h/x', 'git+https://h/x'],
    ['https://u:p%40@h/x', 'https://h/x'],
    ['https://u:p@ss@h/x', 'https://h/x'],
    ['https://h/x.zip?X-Signature=abc#s', 'https://h/x.zip#s'],
    ['ssh://git@h/x', 'ssh://git@h/x'],
    ['git@h:x', 'git@h:x'],
  ])('shows `%s` without its secrets', (uri, text) => {
    expect(parseProjectUri(uri).text).toBe(text);
  });
});

describe('stripUserInfo', () => {
  it.each([
    ['https://u:p@h/x', 'https://h/x'],
    ['ssh://git@h/x', 'ssh://h/x'],
    ['git@h:x', 'git@h:x'],
    ['/a/b@c', '/a/b@c'],
    ['https://h/a@b', 'https://h/a@b'],
    ['https://h/x.git?private_token=t', 'https://h/x.git?private_token=****'],
  ])('writes `%s` as `%s`', (url, stripped) => {
    expect(stripUserInfo(url)).toBe(stripped);
  });
});

describe('hideCredentials', () => {
  it.each([
    ['https://u:p@h/x', 'https://h/x'],
    ['ssh://git@h/x', 'ssh://git@h/x'],
    ['ssh://git:pw@h/x', 'ssh://git:****@h/x'],
    ['https://h/x.git?private_token=t#sub', 'https://h/x.git?private_token=****#sub'],
    ['https://h/x.zip?signature=s#sub', 'https://h/x.zip#sub'],
  ])('writes `%s` as `%s`', (uri, shown) => {
    expect(hideCredentials(uri)).toBe(shown);
  });
});
