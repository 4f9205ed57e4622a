"""The plugin's configuration."""

from __future__ import annotations

from typing import Any, Dict, Optional

from ._library import PLUGIN, Handle
from ._source import Source, absolute, overrides


def config(
    source: Source, *, network: Optional[str] = None, bootstrap: Optional[str] = None, strict: Optional[bool] = None
) -> Dict[str, Any]:
    """Returns what a librdkafka client needs in its configuration to reach the cluster.

    Merge it into the configuration of any confluent_kafka client. ``bootstrap.servers`` is filled in where the
    configuration has none::

        producer = confluent_kafka.Producer(kafka_emr.config("prod.toml"))
        consumer = confluent_kafka.Consumer({**kafka_emr.config("prod.toml"), "group.id": "billing"})

    ``network`` ("private" or "public"), ``bootstrap`` ("addresses" or "names") and ``strict`` override the description.
    Without ``network``, ``network=`` in the source counts, then KAFKA_EMR_NETWORK in the environment.

    Raises ``kafka_emr.Error`` at once when something is wrong with the source or the description. A client of several
    clusters sets ``bootstrap.servers`` itself.
    """
    # Any, because clients declare their configurations by different types of values, and a dict must be of the very type.
    text, given = absolute(source), overrides(network, bootstrap, strict)
    # To see that it is fine; each client opens it anew.
    Handle(text, given)
    properties: Dict[str, Any] = {"plugin.library.paths": PLUGIN, "emr.cluster": text}
    properties.update((f"emr.{key}", value) for key, value in given)
    return properties
