"""Puts off what MLflow imports with itself and hardly any model needs when it is served: half of the time, and some of
the memory, that it takes to import MLflow. What is put off runs when somebody first wants something of it."""

import sys
import threading
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import PathFinder
from types import ModuleType

POSTPONED = {"mlflow.genai", "mlflow.gateway", "mlflow.data"}
# What a module is asked for by those who look through all that are loaded: its code is not needed for it.
KNOWN = {"__class__", "__dict__", "__file__", "__loader__", "__name__", "__package__", "__spec__"}
RUN = "_mlts_run"


class PostponedModule(ModuleType):
    def __getattribute__(self, name):
        if name not in KNOWN:
            run = ModuleType.__getattribute__(self, "__dict__").get(RUN)
            if run is not None:
                run()
        return ModuleType.__getattribute__(self, name)


class PostponingLoader(Loader):
    def __init__(self, loader):
        self._loader = loader
        # Who asks while another thread runs the module waits for its end.
        self._lock = threading.RLock()
        self._is_running = False

    def create_module(self, spec):
        return self._loader.create_module(spec)

    def exec_module(self, module):
        # Who looks for its source or its data asks the loader that has them.
        module.__spec__.loader = module.__loader__ = self._loader
        module.__dict__[RUN] = lambda: self._run(module)
        module.__class__ = PostponedModule

    def _run(self, module):
        with self._lock:
            if self._is_running or RUN not in module.__dict__:
                return
            self._is_running = True
            try:
                self._loader.exec_module(module)
                del module.__dict__[RUN]
                module.__class__ = ModuleType
            finally:
                self._is_running = False


class PostponingFinder(MetaPathFinder):
    def find_spec(self, name, path=None, target=None):
        if name not in POSTPONED:
            return None
        spec = PathFinder.find_spec(name, path, target)
        if spec is not None and spec.loader is not None:
            spec.loader = PostponingLoader(spec.loader)
        return spec


def postpone_imports():
    sys.meta_path.insert(0, PostponingFinder())
