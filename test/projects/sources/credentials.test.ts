import { describe, expect, it } from 'vitest';
import { addCredentials, splitCredentials } from '../../../src/projects/sources/credentials.ts';

describe('splitCredentials', () => {
  it.each([
    ['https://h/x', 'https://h/x', undefined, undefined],
    ['https://u:p@h:8/x', 'https://h:8/x', 'u', 'p'],
    ['https://u:p%40%2F@h/x', 'https://h/x', 'u', 'p@/'],
    ['https://u:p@ss@h/x', 'https://h/x', 'u', 'p@ss'],
    ['https://u:100%@h/x', 'https://h/x', 'u', '100%'],
    ['https://token@h/x', 'https://h/x', 'token', undefined],
    ['https://:p@h/x', 'https://h/x', undefined, 'p'],
    ['https://h/a@b', 'https://h/a@b', undefined, undefined],
    ['ssh://git@h/x', 'ssh://git@h/x', undefined, undefined],
    ['git@h:x', 'git@h:x', undefined, undefined],
  ])('splits `%s`', (location, url, username, password) => {
    expect(splitCredentials(location)).toEqual({ url, username, password });
  });
});

describe('addCredentials', () => {
  it('adds to the configuration that the environment already carries', () => {
    const env = { GIT_CONFIG_COUNT: '1', GIT_CONFIG_KEY_0: 'a.b', GIT_CONFIG_VALUE_0: 'c' };
    expect(addCredentials(env, splitCredentials('https://u@h/x'))).toEqual({
      GIT_CONFIG_COUNT: '2',
      GIT_CONFIG_KEY_0: 'a.b',
      GIT_CONFIG_VALUE_0: 'c',
      GIT_CONFIG_KEY_1: 'credential.https://h.username',
      GIT_CONFIG_VALUE_1: 'u',
    });
  });

  it('changes nothing for a URL without credentials', () => {
    expect(addCredentials({ A: 'b' }, splitCredentials('https://h/x'))).toEqual({ A: 'b' });
  });
});
