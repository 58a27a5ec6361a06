"""Runs one command to its end and prints what it cost: wall time and peak memory, as JSON.

wait4 reports the largest resident set of the command and of everything it waited for.
"""

import json
import os
import sys
import time

null = os.open(os.devnull, os.O_RDWR)
actions = [(os.POSIX_SPAWN_DUP2, null, fd) for fd in (0, 1, 2)]
started = time.perf_counter()
pid = os.posix_spawnp(sys.argv[1], sys.argv[1:], os.environ, file_actions=actions)
_, status, usage = os.wait4(pid, 0)
ended = time.perf_counter()
print(
    json.dumps({
        "wallMs": (ended - started) * 1000,
        "peakMiB": usage.ru_maxrss / 1024,
        "exitCode": os.waitstatus_to_exitcode(status),
    })
)
