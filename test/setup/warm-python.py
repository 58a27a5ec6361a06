"""Runs scripts of tests with MLflow imported once for all: importing it takes longer than what most of them do.

`warm-python.py SOCKET PID`: each connection sends one JSON line with `script`, `args`, `cwd` and `env`, and is answered
with one with `code`, `stdout` and `stderr`, by a process of its own. Says when it listens; ends with the process PID.
"""

import atexit
import json
import os
import socketserver
import sys
import tempfile
import threading
import time
import traceback
import types

import mlflow  # noqa: F401
import mlflow.pyfunc  # noqa: F401
import mlflow.store.tracking.sqlalchemy_store  # noqa: F401

SOCKET, PARENT = sys.argv[1], int(sys.argv[2])


class Handler(socketserver.StreamRequestHandler):
    def handle(self):
        asked = json.loads(self.rfile.readline())
        with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
            os.dup2(stdout.fileno(), 1)
            os.dup2(stderr.fileno(), 2)
            answer = {"code": run(**asked), "stdout": read(stdout), "stderr": read(stderr)}
        self.wfile.write(json.dumps(answer).encode() + b"\n")


def run(script, args, cwd, env):
    """As `python -c` does, to the end of what it does at its end."""
    os.environ.clear()
    os.environ.update(env)
    time.tzset()
    os.chdir(cwd)
    sys.argv, sys.path[0] = ["-c", *args], ""
    sys.path[1:1] = filter(None, env.get("PYTHONPATH", "").split(os.pathsep))
    main = sys.modules["__main__"] = types.ModuleType("__main__")
    code = 0
    try:
        exec(compile(script, "<string>", "exec"), main.__dict__)
    except SystemExit as exited:
        code = exited.code if isinstance(exited.code, int) else int(exited.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    threading._shutdown()
    atexit._run_exitfuncs()
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def read(file):
    file.seek(0)
    return file.read().decode()


class Server(socketserver.ForkingMixIn, socketserver.UnixStreamServer):
    max_children = 100

    def service_actions(self):
        super().service_actions()
        try:
            os.kill(PARENT, 0)
        except ProcessLookupError:
            os.unlink(SOCKET)
            os._exit(0)


if os.path.exists(SOCKET):
    os.unlink(SOCKET)
server = Server(SOCKET, Handler)
# At once, also where Python writes a line in two parts: nobody reads on.
os.write(1, b"listening\n")
server.serve_forever()
