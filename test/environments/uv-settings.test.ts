import { expect, test } from 'vitest';
import { translatePipSettings } from '../../src/environments/uv-settings.ts';

test.each([
  ['nothing', {}, '', {}],
  [
    "pip's variables",
    { PIP_INDEX_URL: 'https://a/simple', PIP_FIND_LINKS: '/wheels /more', PIP_CERT: '/ca.pem' },
    '',
    {
      UV_DEFAULT_INDEX: 'https://a/simple',
      UV_FIND_LINKS: '/wheels,/more',
      SSL_CERT_FILE: '/ca.pem',
    },
  ],
  [
    "pip's files",
    {},
    "global.index-url='https://a/simple'\nglobal.timeout='5'\ninstall.trusted-host='a'\n",
    { UV_DEFAULT_INDEX: 'https://a/simple', UV_INSECURE_HOST: 'a' },
  ],
  [
    'variables win over files',
    { PIP_INDEX_URL: 'https://b/simple' },
    "global.index-url='https://a/simple'\n",
    { UV_DEFAULT_INDEX: 'https://b/simple' },
  ],
  [
    'several extra indexes, the best version of all of them',
    {},
    "global.extra-index-url='https://a/simple\\nhttps://b/simple'\n",
    { UV_INDEX: 'https://a/simple https://b/simple', UV_INDEX_STRATEGY: 'unsafe-best-match' },
  ],
  [
    'what is set for uv wins, in its older names, too',
    { PIP_INDEX_URL: 'https://a', UV_INDEX_URL: 'https://b', PIP_CERT: '/a', SSL_CERT_FILE: '/b' },
    '',
    {},
  ],
])('%s', (_what, env, pipConfiguration, expected) => {
  expect(translatePipSettings(env, pipConfiguration)).toEqual(expected);
});
