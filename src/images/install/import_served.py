"""Imports what a server of models does, by which the bytecode of it is written: fails where it cannot be imported."""

import importlib
import importlib.util
import pkgutil
import sys

# A model is of any of its classes, and these import much of other libraries.
WHOLE = "sklearn"


def import_whole(package):
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        try:
            importlib.import_module(module.name)
        except Exception as error:
            print(f"{module.name} is not imported: {error}", file=sys.stderr)


importlib.import_module("mlflow.pyfunc.scoring_server")
importlib.import_module(sys.argv[1])
if importlib.util.find_spec(WHOLE):
    import_whole(importlib.import_module(WHOLE))
