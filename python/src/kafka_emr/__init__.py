"""Kafka clients reach an Alibaba Cloud EMR cluster by its long domains, from anywhere, with no hosts file.

confluent_kafka, and everything else that is configured as librdkafka is::

    consumer = confluent_kafka.Consumer({**kafka_emr.config("prod.toml"), "group.id": "billing"})

kafka-python, aiokafka, and everything else that connects by Python's own sockets::

    with kafka_emr.install("prod.toml") as cluster:
        for message in kafka.KafkaConsumer("orders", bootstrap_servers=cluster.bootstrap_servers):
            ...

A source is the place of the cluster's description: a path, ``emr:///path?network=public``, ``emr://ID?...`` with
everything inline, or several of these separated by semicolons. A file is followed: when it changes, the next lookup sees
it, within a second. Lines go to the logger "kafka_emr", and to standard error where logging is not set up; KAFKA_EMR_LOG in
the environment sets the level: off, error, warn (default), info, debug.
"""

from ._config import config
from ._install import Installation, install
from ._library import PLUGIN, VERSION as __version__, Error, ErrorCode
from ._resolver import Cluster, File, Lookups, Node, PlainHost, Resolver, Rule, Status

__all__ = [
    "PLUGIN",
    "Cluster",
    "Error",
    "ErrorCode",
    "File",
    "Installation",
    "Lookups",
    "Node",
    "PlainHost",
    "Resolver",
    "Rule",
    "Status",
    "__version__",
    "config",
    "install",
]
