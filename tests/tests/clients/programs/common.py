"""What the scenarios share. They are called with the source of the cluster, or "-" to go without kafka-emr; what brokers to
name without it; "real" or "embedded"; and, where a scenario can be played in several ways, which."""

import logging
import sys
import uuid

import kafka_emr

SOURCE, SERVERS, KIND, *_WAYS = sys.argv[1:]
(WAY,) = _WAYS or [""]
TOPIC = "orders"
REAL = KIND == "real"

# At this level all of them say which address they cannot reach.
logging.basicConfig(level=logging.INFO)

# How long a client may take that works, and one that does not, in seconds.
PATIENCE = 60
LIMIT = PATIENCE if SOURCE != "-" else 8

# Messages of this run are told from others by their key.
RUN = uuid.uuid4().hex


def librdkafka(**properties):
    """A configuration of confluent_kafka. The only difference is where the brokers come from."""
    base = {"bootstrap.servers": SERVERS} if SOURCE == "-" else kafka_emr.config(SOURCE)
    return {**base, **{name.replace("_", "."): value for name, value in properties.items()}}


def install():
    """Puts the cluster under Python's sockets, and returns the bootstrap servers."""
    return SERVERS if SOURCE == "-" else kafka_emr.install(SOURCE).bootstrap_servers
