import { join } from 'node:path';
import { execa } from 'execa';
import { expect, test } from 'vitest';
import { ensureMlflow } from '../setup/mlflow.ts';

const SERVING = join(import.meta.dirname, '../../src/serving');

test('what is left out when a package is imported is, to all who ask for it, as if it had been imported', async () => {
  const { python } = await ensureMlflow();
  const script = join(import.meta.dirname, 'start.py');
  const { stdout } = await execa(python, ['-W', 'ignore', script, SERVING]);
  const whole = (part: string) => [`whole.${part}`, `whole.${part}.part`];
  expect(JSON.parse(stdout)).toEqual({
    start: [
      ['whole', ...whole('deeper'), ...whole('wanted')],
      true,
      [...whole('wanted'), 'whole.deeper.part', 'whole.deeper'],
    ],
    deeper: [true, true, []],
    looked: [false, []],
    plain: [true, true, whole('plain')],
    below: [true, whole('below')],
    named: [true, whole('named')],
    source: [true, whole('source')],
    data: ['words', whole('data')],
    threads: [8, 1, whole('threads')],
    error: ["module 'whole' has no attribute 'broken'", 'no such thing'],
    broken: ['Thing', ['whole.broken', ...whole('broken')]],
    nowhere: "No module named 'nowhere'",
  });
});

test('MLflow starts without what models hardly need, and has it for the one that does', async () => {
  const { python } = await ensureMlflow();
  const script = `
import sys
sys.path.insert(0, sys.argv[1])
import mlts_start
mlts_start.import_mlflow()
import mlflow.pyfunc
first = [name for name in ("fastapi", "mlflow.genai.judges", "mlflow.genai") if name in sys.modules]
from mlflow.genai.judges import make_judge
print(first, mlflow.genai.judges.make_judge is make_judge, mlflow.gateway.get_gateway_uri.__name__)
`;
  const { stdout } = await execa(python, ['-W', 'ignore', '-c', script, SERVING]);
  expect(stdout).toBe('[] True get_gateway_uri');
});
