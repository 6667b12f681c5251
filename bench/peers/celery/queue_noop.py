"""No-op tasks a second, sent before. Arguments: TASKS PROCESSES."""

import json
import os
import subprocess
import sys
import time

import redis

from noop import app, noop

tasks, processes = map(int, sys.argv[1:])
server = redis.Redis.from_url(os.environ["REDIS_URL"])

with app.producer_pool.acquire(block=True) as producer:
    for number in range(tasks):
        noop.apply_async((number,), producer=producer)

worker = subprocess.Popen(
    [sys.executable, "-m", "celery", "-A", "noop", "worker", "-P", "prefork"]
    + ["-c", str(processes), "-l", "ERROR"]
    + ["--without-gossip", "--without-mingle", "--without-heartbeat"],
    cwd=os.path.dirname(os.path.abspath(__file__)),
    stdout=sys.stderr,
)
try:
    # What the worker needs to start is not counted.
    while server.llen("celery") == tasks:
        time.sleep(0.001)
    begun = time.monotonic()
    while server.llen("celery") > 0 or server.hlen("unacked") > 0:
        time.sleep(0.002)
    print(json.dumps({"per_second": tasks / (time.monotonic() - begun)}))
finally:
    worker.terminate()
    worker.wait()
