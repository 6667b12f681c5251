"""The task of `queue.py`, and the application that both sides know."""

import os

from celery import Celery

app = Celery("noop", broker=os.environ["REDIS_URL"])
app.conf.update(
    task_ignore_result=True,
    worker_prefetch_multiplier=100,
    worker_send_task_events=False,
    broker_connection_retry_on_startup=True,
)


@app.task(name="noop")
def noop(number):
    return None
