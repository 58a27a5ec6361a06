import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { ensureMlflow } from '../setup/mlflow.ts';

const SERVING = join(import.meta.dirname, '../../src/serving');
const START = `
import sys
sys.path.insert(0, sys.argv[1])
from mlts_start import import_mlflow
import_mlflow()
import sklearn.ensemble
import sklearn.metrics
is_there = lambda: "scipy.stats._stats_py" in sys.modules
print(is_there())
`;

describe('scipy.stats, which scikit-learn takes functions of, is imported when somebody wants it', () => {
  let python: string;
  beforeAll(async () => {
    ({ python } = await ensureMlflow());
  });

  test.each([
    {
      who: 'scikit-learn calls one',
      script:
        'print(sklearn.metrics.coverage_error([[1, 0, 0]], [[0.2, 0.9, 0.4]]), is_there())\n' +
        'print(list(sklearn.metrics._ranking.rankdata([3, 1, 2])), is_there())',
      told: ['3.0 False', '[np.float64(3.0), np.float64(1.0), np.float64(2.0)] True'],
    },
    {
      who: 'many threads call one at once',
      script:
        'from concurrent.futures import ThreadPoolExecutor\n' +
        'with ThreadPoolExecutor(8) as pool:\n' +
        '    found = list(pool.map(lambda _: sklearn._loss.link.gmean([1, 4]), range(8)))\n' +
        'print(found == [2.0] * 8)',
      told: ['True'],
    },
    {
      who: 'scikit-learn asks what one has',
      script:
        'import pickle\nprint(sklearn.metrics._ranking.rankdata.__name__)\n' +
        'print(type(pickle.loads(pickle.dumps(sklearn.metrics._ranking.rankdata))).__name__)\n' +
        'from sklearn.covariance import MinCovDet\n' +
        'import numpy\n' +
        'print(MinCovDet(random_state=0).fit(numpy.eye(4)[:, :2]).location_.shape)',
      told: ['rankdata', 'function', '(2,)'],
    },
    {
      who: 'a model takes a function or a class',
      script:
        'from scipy.stats import norm, rankdata\n' +
        'import scipy\n' +
        'print(isinstance(norm, scipy.stats.rv_continuous), rankdata is scipy.stats.rankdata, type(rankdata).__name__)',
      told: ['True True function'],
    },
    {
      who: 'a model takes the module',
      script: 'import scipy.stats\nprint(scipy.stats.rankdata([2, 1])[0], is_there())',
      told: ['2.0 True'],
    },
    {
      who: 'a model takes a module below it',
      script:
        'from scipy.stats._distn_infrastructure import rv_frozen\n' +
        'import scipy.stats\n' +
        'print(isinstance(scipy.stats.norm(), rv_frozen))\n' +
        'print(scipy.stats._distn_infrastructure.__spec__.origin.endswith("_distn_infrastructure.py"))',
      told: ['True', 'True'],
    },
    {
      who: 'a model takes all that it has',
      script: 'from scipy.stats import *\nprint(isinstance(norm, rv_continuous))',
      told: ['True'],
    },
    {
      who: 'a model looks through it',
      script:
        'from scipy import stats\n' +
        'print([name for name in dir(stats) if name == "norm"], is_there())\n' +
        'print(hasattr(stats, "__all__"), stats.__path__[0] in stats.__file__)',
      told: ["['norm'] True", 'True True'],
    },
    {
      who: 'a model puts something into it',
      script:
        'import importlib\nfrom scipy import stats\nstats.more = 3\nimport scipy.stats\nfrom scipy.stats import more\n' +
        'print(scipy.stats.more, more, stats is scipy.stats is sys.modules["scipy.stats"])\n' +
        'del stats.more\nprint(hasattr(scipy.stats, "more"))\n' +
        'print(importlib.reload(stats) is stats, type(stats.__spec__.loader).__name__)',
      told: ['3 3 True', 'False', 'True SourceFileLoader'],
    },
    {
      who: 'it cannot be imported at first',
      script:
        'import builtins\nfrom scipy import stats\nown = builtins.__import__\n' +
        'def refuse(name, *rest):\n' +
        '    if name.endswith("_stats_py"):\n        raise ImportError("not now")\n    return own(name, *rest)\n' +
        'builtins.__import__ = refuse\n' +
        'try:\n    stats.norm\nexcept ImportError as error:\n    print(error)\n' +
        'builtins.__import__ = own\n' +
        'print(stats.norm.ppf(0.5), stats is sys.modules["scipy.stats"])',
      told: ['not now', '0.0 True'],
    },
    {
      who: 'many threads want it at once',
      script:
        'from concurrent.futures import ThreadPoolExecutor\nfrom scipy import stats\n' +
        'wanted = [lambda: stats.norm, lambda: dir(stats), lambda: __import__("scipy.stats").stats.gamma]\n' +
        'wanted += [lambda: sklearn._loss.link.gmean([1, 4])]\n' +
        'with ThreadPoolExecutor(10) as pool:\n' +
        '    found = list(pool.map(lambda want: want() is not None, wanted * 2))\n' +
        'print(all(found), stats is sys.modules["scipy.stats"])',
      told: ['True True'],
    },
    {
      who: 'a module below it is not there',
      script:
        'try:\n    import scipy.stats.nothing\nexcept ModuleNotFoundError as error:\n    print(error)',
      told: ["No module named 'scipy.stats.nothing'"],
    },
    {
      who: 'somebody only looks for it',
      script:
        'import importlib.util\n' +
        'import scipy.stats\n' +
        'print(importlib.util.find_spec("scipy.stats").origin == scipy.stats.__file__, is_there())',
      told: ['True False'],
    },
    {
      who: 'it has no such name',
      script:
        'import scipy.stats\nprint(hasattr(scipy.stats, "nothing"))\n' +
        'try:\n    from scipy.stats import nothing\nexcept ImportError as error:\n    print(str(error)[:24])',
      told: ['False', "cannot import name 'noth"],
    },
  ])('$who', async ({ script, told }) => {
    const { stdout } = await execa(python, ['-W', 'ignore', '-c', START + script, SERVING]);
    expect(stdout.split('\n')).toEqual(['False', ...told]);
  });
});
