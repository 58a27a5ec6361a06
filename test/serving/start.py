"""Asks a package, parts of which are left out when it is imported, for all sorts of things; one JSON object is printed."""

import importlib.resources
import importlib.util
import inspect
import json
import os
import pickle
import sys
import tempfile
import threading

sys.path.insert(0, sys.argv[1])
import mlts_start

folder = tempfile.mkdtemp()
sys.path.insert(0, folder)
sys.ran = []
PARTS = ["plain", "below", "named", "source", "data", "threads", "broken", "wanted", "deeper"]
for part in PARTS:
    place = os.path.join(folder, "whole", part)
    os.makedirs(place)
    mark = "import sys\nsys.ran.append(__name__)\n"
    first = mark + ("import time\ntime.sleep(0.2)\n" if part == "threads" else "")
    if part == "broken":
        first += "if sys.ran.count(__name__) < 2:\n    raise ImportError('no such thing')\n"
    with open(os.path.join(place, "__init__.py"), "w") as file:
        file.write(first + "from whole.%s.part import Thing\n" % part)
    with open(os.path.join(place, "part.py"), "w") as file:
        file.write(mark + "class Thing:\n    pass\n")
    with open(os.path.join(place, "words.txt"), "w") as file:
        file.write("words")
with open(os.path.join(folder, "whole", "__init__.py"), "w") as file:
    file.write("from whole import %s\n" % ", ".join(PARTS))
    file.write("from whole.wanted import Thing\nfrom whole.deeper.part import Thing as Deeper\n")

mlts_start.import_without("whole", PARTS + ["absent"])
import whole

told = {}


def note(name, *values):
    told[name] = list(values) + [sys.ran]
    sys.ran = []


# Two of the parts are wanted while the package starts.
note("start", sorted(name for name in sys.modules if name.startswith("whole")), whole.Thing is whole.wanted.Thing)
note("deeper", whole.deeper.Thing is whole.Deeper, whole.deeper.part.Thing is whole.Deeper)
inspect.getmodule(note)
pickle.whichmodule(note, "note")
note("looked", hasattr(whole, "absent"))
note("plain", whole.plain.Thing is whole.plain.Thing, whole.plain is sys.modules["whole.plain"])
import whole.below.part

note("below", whole.below.part.Thing is whole.below.Thing)
from whole.named import Thing

note("named", Thing is whole.named.part.Thing)
note("source", inspect.getsource(whole.source).startswith("import sys"))
note("data", importlib.resources.read_text("whole.data", "words.txt"))

found = []
threads = [threading.Thread(target=lambda: found.append(whole.threads.Thing)) for _ in range(8)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
note("threads", len(found), len(set(found)))

try:
    told["error"] = repr(whole.broken)
except AttributeError as error:
    told["error"] = [str(error), str(error.__cause__)]
note("broken", whole.broken.Thing.__name__)
try:
    mlts_start.import_without("nowhere", ["part"])
except ModuleNotFoundError as error:
    told["nowhere"] = str(error)
print(json.dumps(told))
