"""``python -m kafka_emr``: prints where the plugin is, and how to use it."""

from __future__ import annotations

import argparse
import shlex

from . import PLUGIN, __version__

_HELP = """\
kafka-emr {version}
the plugin: {plugin}

confluent_kafka

    consumer = confluent_kafka.Consumer({{**kafka_emr.config("prod.toml"), "group.id": "billing"}})

kafka-python, aiokafka

    with kafka_emr.install("prod.toml") as cluster:
        consumer = kafka.KafkaConsumer("orders", bootstrap_servers=cluster.bootstrap_servers)

kcat

    kcat -X plugin.library.paths={quoted} -b emr:///etc/kafka-emr/prod.toml -L

any other program that uses librdkafka, in its configuration

    plugin.library.paths={plugin}
    emr.cluster=/etc/kafka-emr/prod.toml
"""


def main() -> None:
    """Prints it."""
    parser = argparse.ArgumentParser(prog="python -m kafka_emr", description=__doc__.split(": ", 1)[1])
    parser.add_argument("--plugin", action="store_true", help="print the plugin's path only")
    parser.add_argument("--version", action="version", version=f"kafka-emr {__version__}")
    if parser.parse_args().plugin:
        print(PLUGIN)
    else:
        print(_HELP.format(version=__version__, plugin=PLUGIN, quoted=shlex.quote(PLUGIN)), end="")


if __name__ == "__main__":
    main()
