"""Imports what a server of models does, by which the bytecode of it is written: fails where it cannot be imported."""

import importlib
import pkgutil
import sys

importlib.import_module("mlflow.pyfunc.scoring_server")
importlib.import_module(sys.argv[1])

# A model is of any of their classes, and these import much of other libraries.
for name in ["sklearn"]:
    if name not in sys.modules:
        continue
    for module in pkgutil.iter_modules(sys.modules[name].__path__, f"{name}."):
        try:
            importlib.import_module(module.name)
        except Exception:
            print(f"{module.name} is not imported", file=sys.stderr)
