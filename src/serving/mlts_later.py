"""Puts off a module of which a package takes some functions as it is imported and hardly ever calls one: it is imported
when somebody calls one, and at once for whoever else wants anything of it."""

import importlib
import sys
import threading
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

    def __reduce__(self):
        from pkgutil import resolve_name

        # Whoever gets the pickle has the real one, and needs none of this.
        return resolve_name, ("%s:%s" % (self._module, self._name),)


class Late:
    """What is known of a module until it has been imported; `names` are what `package` gets later."""

    def __init__(self, name, package, names):
        self.stand_in, self.package, self.names = StandIn(name), package, names
        self.is_wanted = False

    def answer(self, name, frame):
        """What can be told of the module without importing it; None where that is nothing."""
        is_asked_by_package = find_reader(frame) == self.package
        if name == "__path__" and (is_asked_by_package or is_importing(frame)):
            # What is below it can be asked for: `Finder` answers.
            return []
        if name in self.names and is_asked_by_package:
            return Name(self.stand_in.__name__, name)
        if name in ("__spec__", "__file__"):
            spec = find_spec(self.stand_in.__name__)
            return spec if name == "__spec__" else spec.origin
        return None


LATE = {}
LOCK = threading.Lock()


class StandIn(ModuleType):
    """Becomes the module that it stands for, so that all who have taken it have the real one then."""

    def __init__(self, name):
        super().__init__(name)
        # Whoever looks for them finds the real one's.
        del self.__spec__, self.__loader__, self.__package__

    def __getattr__(self, name):
        late = find_put_off(self.__name__)
        answer = late.answer(name, sys._getframe(1)) if late else None
        if answer is not None:
            return answer
        # Python and others ask all modules for such names; for these two only who wants the module does.
        if not is_special(name) or (late and name in ("__all__", "__path__")):
            import_whole(self.__name__)
        return ModuleType.__getattribute__(self, name)

    def __setattr__(self, name, value):
        if not is_special(name):
            import_whole(self.__name__)
        ModuleType.__setattr__(self, name, value)

    def __delattr__(self, name):
        if not is_special(name):
            import_whole(self.__name__)
        ModuleType.__delattr__(self, name)

    def __dir__(self):
        import_whole(self.__name__)
        return ModuleType.__dir__(self)


def is_special(name):
    return name.startswith("__")


def is_importing(frame):
    return frame.f_globals.get("__name__") == "importlib._bootstrap"


def find_reader(frame):
    """The package whose code asks; `from module import name` asks twice, once from within Python."""
    while frame and is_importing(frame):
        frame = frame.f_back
    return frame.f_globals.get("__name__", "").partition(".")[0] if frame else ""


def import_whole(name):
    """Python sees to it that threads wait for the one that imports; that one has what there is so far."""
    with LOCK:
        late = find_put_off(name)
        if late:
            late.is_wanted = True
            sys.modules.pop(name, None)
    return importlib.import_module(name)


class Finder:
    """Has a module that was put off imported into its stand-in; where something below it is wanted, the whole comes first."""

    @staticmethod
    def find_spec(name, _path=None, _target=None):
        above = name.rpartition(".")[0]
        if find_put_off(above):
            import_whole(above)
            if name in sys.modules:
                module = sys.modules[name]
                # Python takes the module's own word for how it is loaded before ours.
                module.__spec__ = ModuleSpec(name, Imported(module))
                return module.__spec__
            if name not in LATE:
                return find_spec(name)
        late = LATE.get(name)
        return plan_import(late) if late else None


def plan_import(late):
    stand_in = late.stand_in
    spec = find_spec(stand_in.__name__)
    loader, execute = spec.loader, spec.loader.exec_module

    def finish(module):
        execute(module)
        del loader.create_module, loader.exec_module
        module.__class__ = ModuleType
        del LATE[module.__name__]

    loader.create_module = lambda _spec: stand_in
    loader.exec_module = finish
    return spec


class Imported:
    """The loader of a module that has been imported while it was looked for."""

    def __init__(self, module):
        self._module, self._spec = module, module.__spec__

    def create_module(self, _spec):
        return self._module

    def exec_module(self, module):
        module.__spec__ = self._spec


def find_spec(name):
    """How the real one is loaded; nothing that is put off is imported for it."""
    above = name.rpartition(".")[0]
    if find_put_off(above):
        path = find_spec(above).submodule_search_locations
    else:
        path = importlib.import_module(above).__path__
    return PathFinder.find_spec(name, path)


def find_put_off(name):
    late = LATE.get(name)
    return late if late is not None and not late.is_wanted else None


def is_there(name):
    try:
        return find_spec(name) is not None
    except ModuleNotFoundError:
        return False


def put_off(name, package, names):
    """`names` are functions, and what is called as one: `package` may take them, and gets them later."""
    if name in sys.modules or not is_there(name):
        return
    LATE[name] = Late(name, package, names)
    stand_in = sys.modules[name] = LATE[name].stand_in
    above, _, last = name.rpartition(".")
    if above not in LATE:
        # As an import does it, where the package does not do so by itself.
        setattr(sys.modules[above], last, stand_in)
    if Finder not in sys.meta_path:
        sys.meta_path.insert(0, Finder)
