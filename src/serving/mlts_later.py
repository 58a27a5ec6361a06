"""Puts off a module of which a package takes some functions as it is imported and hardly ever calls one: it is imported
when somebody calls one, and at once for whoever else wants anything of it."""

import importlib
import importlib.util
import sys
from importlib.machinery import ModuleSpec, PathFinder
from types import ModuleType


class Name:
    """What a package takes of a module that is put off. It is called, or asked for what it has."""

    def __init__(self, module, name):
        self._module, self._name = module, name

    def _find(self):
        return getattr(importlib.import_module(self._module), self._name)

    def __call__(self, *args, **kwargs):
        return self._find()(*args, **kwargs)

    def __getattr__(self, name):
        return getattr(self._find(), name)


class StandIn(ModuleType):
    def __init__(self, name, package, names):
        super().__init__(name)
        vars(self).update(_package=package, _names=names)
        # Who looks for the module finds the real one's.
        del self.__spec__

    def __getattr__(self, name):
        if name == "__path__":
            # What is below it can be asked for: `Below` answers.
            return []
        if name == "__spec__":
            return find_spec(self.__name__)
        if name.startswith("__"):
            raise AttributeError(name)
        is_late = name in self._names and find_reader(sys._getframe(1)) == self._package
        if is_late and sys.modules.get(self.__name__) is self:
            return Name(self.__name__, name)
        return getattr(import_real(self), name)

    def __setattr__(self, name, value):
        setattr(import_real(self), name, value)

    def __dir__(self):
        return dir(import_real(self))


def find_reader(frame):
    """The package whose code asks; `from module import name` asks twice, once from within Python."""
    while frame and frame.f_globals.get("__name__") == "importlib._bootstrap":
        frame = frame.f_back
    return frame.f_globals.get("__name__", "").partition(".")[0] if frame else ""


class Below:
    """Where something below a module that is put off is wanted, the whole comes before its part."""

    @staticmethod
    def find_spec(name, _path=None, _target=None):
        stand_in = sys.modules.get(name.rpartition(".")[0])
        if not isinstance(stand_in, StandIn):
            return None
        real = import_real(stand_in)
        if name not in sys.modules:
            return PathFinder.find_spec(name, real.__path__)
        module = sys.modules[name]
        # Python takes the module's own word for how it is loaded before ours.
        module.__spec__ = ModuleSpec(name, Imported(module))
        return module.__spec__


class Imported:
    """The loader of a module that has been imported while it was looked for."""

    def __init__(self, module):
        self._module, self._spec = module, module.__spec__

    def create_module(self, _spec):
        return self._module

    def exec_module(self, module):
        module.__spec__ = self._spec


def import_real(stand_in):
    name = stand_in.__name__
    if sys.modules.get(name) is stand_in:
        del sys.modules[name]
    return importlib.import_module(name)


def find_spec(name):
    parent = importlib.import_module(name.rpartition(".")[0])
    return PathFinder.find_spec(name, parent.__path__)


def put_off(name, package, names):
    """`names` are functions, and what is called as one: `package` may take them, and gets them later."""
    if name in sys.modules or importlib.util.find_spec(name.partition(".")[0]) is None:
        return
    sys.modules[name] = StandIn(name, package, names)
    if Below not in sys.meta_path:
        sys.meta_path.insert(0, Below)
