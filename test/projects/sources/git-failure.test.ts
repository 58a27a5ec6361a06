import { describe, expect, it } from 'vitest';
import { ToolError } from '../../../src/core/errors.ts';
import { hintFor, isMissingRef } from '../../../src/projects/sources/git-failure.ts';

describe('hintFor', () => {
  it.each([
    [`fatal: unable to access 'https://h/': Could not resolve host: h`, /host name/],
    ['ssh: Could not resolve hostname h: Name or service not known', /host name/],
    [`fatal: Authentication failed for 'https://h/x/'`, /credentials/],
    [`fatal: could not read Username for 'https://h': terminal prompts disabled`, /credentials/],
    ['The requested URL returned error: 403', /credentials/],
    ['git@h: Permission denied (publickey).', /SSH key/],
    ['Host key verification failed.', /known_hosts/],
    [`fatal: transport 'file' not allowed`, /protocol.file.allow/],
    ['fatal: detected dubious ownership in repository at /x', /safe.directory/],
    [`fatal: repository 'https://h/x/' not found`, /check the URL/],
    [`fatal: '/x' does not appear to be a git repository`, /check the URL/],
    ['Failed to connect to h port 443: Connection refused', /network/],
    ['SSL certificate problem: self-signed certificate', /sslCAInfo/],
    ['fatal: write error: No space left on device', /MLTS_CACHE_DIR/],
    [`git: 'remote-s3' is not a git command. See 'git --help'.`, /https:/],
  ])('knows the mend for `%s`', (stderr, hint) => {
    expect(hintFor(stderr)).toMatch(hint);
  });

  it.each([
    'fatal: not a git repository (or any of the parent directories): .git',
    'error: object file objects/ab/cdef is empty',
    'fatal: unable to read tree 0123456789',
    'fatal: bad config line 1 in file config',
  ])('does not explain `%s`, which a broken mirror says', (stderr) => {
    expect(hintFor(stderr)).toBeUndefined();
  });
});

describe('isMissingRef', () => {
  it.each([
    [`fatal: couldn't find remote ref x`, true],
    ['fatal: remote error: upload-pack: not our ref 0123', true],
    ['error: Server does not allow request for unadvertised object 0123', true],
    ['fatal: Authentication failed', false],
  ])('judges `%s`', (stderr, isMissing) => {
    expect(isMissingRef(new ToolError('x', { stderr }))).toBe(isMissing);
  });
});
