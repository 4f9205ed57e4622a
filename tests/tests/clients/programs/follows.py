"""Produces each line of its standard input and prints what becomes of it, and every error of its client:
PLUGIN SOURCE TOPIC."""

import select
import sys

from confluent_kafka import Producer

PLUGIN, SOURCE, TOPIC = sys.argv[1:]


def on_delivery(error, message):
    print("failed" if error else "delivered", message.value().decode(), flush=True)


def on_error(error):
    print(f"error {error.name()}: {error.str()}", flush=True)


producer = Producer(
    {
        "plugin.library.paths": PLUGIN,
        "emr.cluster": SOURCE,
        "reconnect.backoff.max.ms": 500,
        "error_cb": on_error,
        "on_delivery": on_delivery,
    }
)
while True:
    producer.poll(0.05)
    if select.select([sys.stdin], [], [], 0)[0]:
        line = sys.stdin.readline()
        if not line:
            break
        producer.produce(TOPIC, line.strip().encode())
