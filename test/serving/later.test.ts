import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { execa } from 'execa';
import { beforeAll, describe, expect, test } from 'vitest';
import { testCache } from '../setup/cache.ts';
import { ensureMlflow } from '../setup/mlflow.ts';

const SERVING = join(import.meta.dirname, '../../src/serving');
/** Imports MLflow once, and runs each script in a process of its own that has come as far. */
const RUN_EACH = `
import json, os, sys, traceback
sys.path.insert(0, sys.argv[1])
from mlts_start import import_mlflow
import_mlflow()
import sklearn.ensemble
import sklearn.metrics
is_there = lambda name="stats._stats_py": "scipy." + name in sys.modules

def run(script):
    reader, writer = os.pipe()
    if os.fork() == 0:
        os.dup2(writer, 1)
        os.dup2(writer, 2)
        try:
            print(is_there(), [each for each in sys.modules if each.startswith("scipy.optimize._opt")])
            exec(script, dict(globals()))
        except BaseException:
            traceback.print_exc()
        sys.stdout.flush()
        os._exit(0)
    os.close(writer)
    with open(reader) as told:
        lines = told.read().splitlines()
    os.wait()
    return lines

print(json.dumps([run(script) for script in json.load(sys.stdin)]))
`;

/** What uses the functions that scikit-learn gets later, each in another way. */
const USE_ALL = `
import numpy, warnings
warnings.simplefilter("ignore")
from sklearn import calibration, covariance, isotonic, linear_model, metrics, model_selection, neural_network, preprocessing
random = numpy.random.default_rng(0)
x = random.normal(size=(60, 3))
y = (x[:, 0] + x[:, 1] ** 2 > 0.5).astype(int)
price = x @ [1.0, 2.0, 3.0] + random.normal(size=60)
told = {
    "lbfgs": linear_model.LogisticRegression().fit(x, y).predict_proba(x),
    "newton-cg": linear_model.LogisticRegression(solver="newton-cg").fit(x, y).predict_proba(x),
    "newton-cholesky": linear_model.LogisticRegression(solver="newton-cholesky").fit(x, y).predict_proba(x),
    "huber": linear_model.HuberRegressor().fit(x, price).predict(x),
    "linprog": linear_model.QuantileRegressor(alpha=0).fit(x, price).predict(x),
    "gamma": linear_model.GammaRegressor().fit(x, numpy.exp(price)).predict(x),
    "splines": preprocessing.SplineTransformer(n_knots=4).fit_transform(x),
    "box-cox": preprocessing.PowerTransformer("box-cox").fit_transform(numpy.exp(x)),
    "normal": preprocessing.QuantileTransformer(n_quantiles=10, output_distribution="normal").fit_transform(x),
    "isotonic": isotonic.IsotonicRegression(increasing="auto", out_of_bounds="clip").fit(x[:, 0], price).predict(x[:, 1]),
    "sigmoid": calibration.CalibratedClassifierCV(linear_model.RidgeClassifier(), cv=2).fit(x, y).predict_proba(x),
    "perceptron": neural_network.MLPClassifier((4,), solver="lbfgs", random_state=0, max_iter=20).fit(x, y).predict_proba(x),
    "area": metrics.auc([0, 0.5, 1], [0, 0.8, 1]),
    "ranks": metrics.label_ranking_average_precision_score([[1, 0, 0]], [[0.2, 0.9, 0.4]]),
    "distances": metrics.pairwise_distances(x[:3], metric="chebyshev"),
    "manhattan": metrics.pairwise.manhattan_distances(x[:3]),
    "biclusters": metrics.consensus_score(([[True, False]], [[True, False]]), ([[True, False]], [[True, False]])),
    "robust": covariance.MinCovDet(random_state=0).fit(x).location_,
    "search": model_selection.GridSearchCV(linear_model.Ridge(), {"alpha": [0.1, 10]}, cv=2).fit(x, price).cv_results_["rank_test_score"],
}
print({name: numpy.asarray(value).tolist() for name, value in told.items()})
`;

test.each([
  { version: '1.7.3', left: [] },
  { version: '1.8.0rc1', left: ['scipy.stats'] },
])('of SciPy $version, $left is put off', async ({ version, left }) => {
  const { python } = await ensureMlflow();
  const folder = await mkdtemp(join(testCache, 'scipy-'));
  await mkdir(join(folder, 'scipy/stats'), { recursive: true });
  await writeFile(join(folder, 'scipy/__init__.py'), `__version__ = "${version}"\n`);
  // As in SciPy 1.8, which does not import a module of its own when it is asked for one.
  await writeFile(join(folder, 'scipy/stats/__init__.py'), 'gmean = max\n');
  const script = `
import json, sys
sys.path[:0] = sys.argv[1:]
import mlts_start
mlts_start.put_off_scipy()
put_off = [name for name in sys.modules if name.startswith("scipy.")]
import scipy.stats
print(json.dumps([put_off, scipy.stats.gmean(1, 3)]))
`;
  const { stdout } = await execa(python, ['-c', script, SERVING, folder]);
  expect(JSON.parse(stdout)).toEqual([left, 3]);
  await rm(folder, { recursive: true });
});

test('scikit-learn gives the same with functions of SciPy that it gets later', async () => {
  const { python } = await ensureMlflow();
  const later = `
import sys
sys.path.insert(0, sys.argv[1])
from mlts_start import put_off_scipy
put_off_scipy()
`;
  const run = async (script: string) => {
    const { stdout } = await execa(python, ['-W', 'ignore', '-c', script, SERVING]);
    return stdout;
  };
  const [ours, usual] = await Promise.all([run(later + USE_ALL), run(USE_ALL)]);
  expect(ours).toBe(usual);
});

describe('a module of SciPy that scikit-learn takes functions of is imported when somebody wants it', () => {
  const cases = [
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
      who: 'a model puts a function of its own into it',
      script:
        'import scipy.optimize as optimize\n' +
        'optimize.minimize = len\n' +
        'from sklearn.calibration import minimize\n' +
        'print(minimize([1, 2]), sys.modules["scipy.optimize"].minimize is len, "linprog" in dir(optimize))',
      told: ['2 True True'],
    },
    {
      who: 'a model brings along what is made of a class of it',
      script:
        'import pickle\n' +
        'splines = pickle.loads(bytes.fromhex(sys.argv[2]))\n' +
        'import scipy.interpolate\n' +
        'print(type(splines) is scipy.interpolate.BSpline, float(splines(0.5)))',
      told: ['True 1.0'],
    },
    {
      who: 'it has no such name',
      script:
        'import scipy.stats\nprint(hasattr(scipy.stats, "nothing"))\n' +
        'try:\n    from scipy.stats import nothing\nexcept ImportError as error:\n    print(str(error)[:24])',
      told: ['False', "cannot import name 'noth"],
    },
  ];

  let found: readonly (readonly string[])[];
  beforeAll(async () => {
    const { python } = await ensureMlflow();
    const script =
      'import pickle, scipy.interpolate\n' +
      'print(pickle.dumps(scipy.interpolate.BSpline([0, 0, 1, 1], [1, 1], 1)).hex())';
    const pickled = (await execa(python, ['-c', script])).stdout;
    const scripts = JSON.stringify(cases.map(({ script: each }) => each));
    const args = ['-W', 'ignore', '-c', RUN_EACH, SERVING, pickled];
    found = JSON.parse((await execa(python, args, { input: scripts })).stdout);
  });

  test.each(cases.map((one, index) => ({ ...one, index })))('$who', ({ told, index }) => {
    expect(found[index]).toEqual(['False []', ...told]);
  });
});
