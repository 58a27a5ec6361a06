"""Imports MLflow without what that imports with itself and hardly any model needs when it is served: a third of the time,
and some of the memory, that it takes. What is left out is imported when somebody first wants it, as any other module."""

import importlib
import importlib.util
import os
import sys
from types import ModuleType

from mlts_later import put_off

LEFT_OUT = ("genai", "gateway")
# What scikit-learn takes of modules that bring most of SciPy with them, for what hardly any prediction calls.
# Before SciPy 1.8 some had other names, and scikit-learn tries one after the other.
OLDEST_SCIPY = (1, 8)
FOR_SKLEARN = {
    "scipy.integrate": {"trapezoid"},
    "scipy.interpolate": {"BSpline"},
    "scipy.optimize": {"linear_sum_assignment", "linprog", "minimize", "minimize_scalar"},
    "scipy.optimize._linesearch": {"line_search_wolfe1", "line_search_wolfe2", "scalar_search_wolfe1"},
    "scipy.spatial": {"distance"},
    "scipy.stats": {"chi2", "gmean", "rankdata", "spearmanr"},
}


class StandIn(ModuleType):
    """Is there while the package starts, which names the part and wants nothing of it. Whoever does gets the real one."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def import_mlflow():
    put_off_scipy()
    import_without("mlflow", LEFT_OUT)


def put_off_scipy():
    try:
        # It comes with MLflow in any case, and is small by itself.
        from scipy import __version__ as version
    except ImportError:
        return
    if tuple(int(part) for part in version.split(".")[:2]) >= OLDEST_SCIPY:
        for module, names in FOR_SKLEARN.items():
            put_off(module, "sklearn", names)


def import_without(package, parts):
    stand_ins = place_stand_ins(package, parts)
    try:
        whole = importlib.import_module(package)
    finally:
        for stand_in in stand_ins.values():
            if sys.modules.get(stand_in.__name__) is stand_in:
                del sys.modules[stand_in.__name__]
    for part, stand_in in stand_ins.items():
        if vars(whole).get(part) is stand_in:
            delattr(whole, part)
    import_when_asked(whole, stand_ins)
    for part in stand_ins:
        complete(whole, part)


def complete(whole, part):
    """Something below a part was wanted while the package started: it is a module of the part, which is not left out then."""
    name = "%s.%s" % (whole.__name__, part)
    below = [each for each in sys.modules if each.rpartition(".")[0] == name]
    real = getattr(whole, part, None) if below else None
    for each in below:
        if real is not None and not hasattr(real, each.rpartition(".")[2]):
            setattr(real, each.rpartition(".")[2], sys.modules[each])


def place_stand_ins(package, parts):
    spec = importlib.util.find_spec(package)
    folders = (spec and spec.submodule_search_locations) or []
    stand_ins = {}
    for part in parts:
        name = "%s.%s" % (package, part)
        paths = [path for path in (os.path.join(folder, part) for folder in folders) if os.path.isdir(path)]
        if paths and name not in sys.modules:
            stand_ins[part] = sys.modules[name] = StandIn(name)
            # What is below it can be imported.
            stand_ins[part].__path__ = paths
    return stand_ins


def import_when_asked(whole, parts):
    """As `__getattr__` of a module does it (PEP 562), before its own, if it has one."""
    own = vars(whole).get("__getattr__")

    def get(name):
        cause = None
        if name in parts:
            try:
                return importlib.import_module("%s.%s" % (whole.__name__, name))
            except ImportError as error:
                cause = error
        if own is not None:
            return own(name)
        raise AttributeError("module %r has no attribute %r" % (whole.__name__, name)) from cause

    whole.__getattr__ = get
