import { Chalk } from 'chalk';
import { expect, test } from 'vitest';
import type { Run } from '../../src/core/entities.ts';
import type { Project } from '../../src/projects/project.ts';
import type { RunOptions } from '../../src/projects/run-options.ts';
import { renderNextSteps } from '../../src/projects/summary.ts';

test.each([
  ['sqlite:////a b.db', "mlflow ui --backend-store-uri 'sqlite:////a b.db'"],
  ['https://host', 'https://host/#/experiments/3/runs/r1'],
  ['https://user:password@host:5000/ml/', 'https://host:5000/ml/#/experiments/3/runs/r1'],
])('a run in %s is looked at with %s', (storeUri, shown) => {
  const project = { entryPoints: [] } as unknown as Project;
  const options = { uri: '.', entryPoint: 'main' } as RunOptions;
  const run = { info: { id: 'r1', experimentId: '3' } } as Run;
  const lines = renderNextSteps(project, options, run, storeUri, new Chalk({ level: 0 }));
  expect(lines).toEqual(['', 'next', '  mlts runs search --experiment-id 3', `  ${shown}`]);
});
