"""Prints the installed packages as JSON, with what is left of their files and the bytecode of these."""

import json
import os
from importlib.metadata import distributions
from importlib.util import cache_from_source


def measure(path):
    return os.path.getsize(path) if os.path.isfile(path) else 0


def measure_with_bytecode(path):
    return measure(path) + (measure(cache_from_source(path)) if path.endswith(".py") else 0)


def describe(one):
    meta = one.metadata
    license = meta.get("License-Expression") or meta.get("License") or ""
    return {
        "name": meta["Name"],
        "version": one.version,
        "sizeBytes": sum(measure_with_bytecode(str(one.locate_file(path))) for path in one.files or []),
        "license": license.split("\n")[0][:100],
    }


print(json.dumps(sorted(map(describe, distributions()), key=lambda one: one["name"].lower())))
