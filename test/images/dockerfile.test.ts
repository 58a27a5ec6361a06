import { describe, expect, test } from 'vitest';
import { nameEnvironmentImage } from '../../src/images/build.ts';
import {
  nameProjectImage,
  renderEnvironmentDockerfile,
  renderProjectDockerfile,
} from '../../src/images/dockerfile.ts';

const recipe = {
  baseImage: 'python:3.11-slim',
  buildDependencies: ['pip', 'setuptools'],
  dependencies: ['mlflow==3.17.2'],
  constraints: ['numpy<3'],
};

describe('an environment', () => {
  test('is installed in a stage of its own', () => {
    expect(renderEnvironmentDockerfile(recipe, 'k')).toMatchInlineSnapshot(`
      "FROM python:3.11-slim AS packages
      LABEL mlts.stage="k"
      RUN python3 -m venv /opt/mlts
      COPY pip/ /tmp/mlts/
      WORKDIR /tmp/mlts
      ARG PIP_INDEX_URL
      ARG PIP_EXTRA_INDEX_URL
      ARG PIP_TRUSTED_HOST
      ARG PIP_DEFAULT_TIMEOUT
      ARG PIP_RETRIES
      ARG PIP_CERT
      RUN /opt/mlts/bin/python -m pip install --no-cache-dir -r build.txt
      RUN /opt/mlts/bin/python -m pip install --no-cache-dir -r requirements.txt -c constraints.txt

      FROM python:3.11-slim
      COPY --from=packages /opt/mlts /opt/mlts
      ENV VIRTUAL_ENV=/opt/mlts PATH=/opt/mlts/bin:\${PATH}
      LABEL mlts.environment="k"
      "
    `);
  });

  test('without dependencies runs no pip', () => {
    const empty = { ...recipe, buildDependencies: [], dependencies: [], constraints: [] };
    expect(renderEnvironmentDockerfile(empty, 'k')).not.toContain('pip install');
  });

  test('has an image of its own for every change', () => {
    const changes = [
      {},
      { baseImage: 'python:3.12-slim' },
      { buildDependencies: ['pip'] },
      { dependencies: ['mlflow'] },
      { constraints: [] },
    ];
    const names = changes.map((change) => nameEnvironmentImage({ ...recipe, ...change }));
    expect(new Set(names).size).toBe(changes.length);
    expect(nameEnvironmentImage({ ...recipe })).toBe(names[0]);
    expect(names[0]).toMatch(/^mlts-project:[0-9a-f]{16}$/);
  });
});

test.each(['a b', 'a\nRUN evil', 'a AS b', ''])('%j is no image to build on', (baseImage) => {
  expect(() => nameEnvironmentImage({ ...recipe, baseImage })).toThrow('is no name of an image');
  const project = { baseImage, tag: 'p', owner: undefined };
  expect(() => renderProjectDockerfile(project)).toThrow('is no name of an image');
});

test('a project’s code is put on top of its image', () => {
  expect(
    renderProjectDockerfile({ baseImage: 'me/train:2', tag: 'churn:1a2b3c4', owner: '1000:1000' }),
  ).toMatchInlineSnapshot(`
    "FROM me/train:2
    COPY --chown=1000:1000 code/ /mlflow/projects/code/
    WORKDIR /mlflow/projects/code
    LABEL mlts.project="churn:1a2b3c4"
    "
  `);
});

test.each([
  ['churn', '1a2b3c4d5e', 'churn:1a2b3c4'],
  ['churn', undefined, 'churn'],
  [undefined, '1a2b3c4d5e', 'docker-project:1a2b3c4'],
  ['My Project!', undefined, 'my-project'],
  ['team/churn', undefined, 'team/churn'],
])('project %s at %s is image %s', (project, commit, name) => {
  expect(nameProjectImage(project, commit)).toBe(name);
});
