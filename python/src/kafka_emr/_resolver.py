"""The resolver itself, and what it knows."""

from __future__ import annotations

import datetime
import json
import socket
from dataclasses import dataclass
from types import TracebackType
from typing import List, Optional, Tuple, Type

# Never the function that kafka_emr.install() puts in its place.
from _socket import getaddrinfo as system_getaddrinfo

from ._library import Error, ErrorCode, Handle
from ._source import Source, absolute, overrides


@dataclass(frozen=True)
class Rule:
    """The rule by which endpoints are chosen."""

    name: str
    """As "R3"."""
    reason: str
    """Why it is so, in one sentence."""
    section: str
    """The section of EMR's document "Cross-cluster access to Kafka"."""


@dataclass(frozen=True)
class Node:
    """A machine of a cluster, and where its names lead."""

    name: str
    """As "emr-worker-1"."""
    role: Optional[str]
    """"master", "core", "task" or "gateway"; None if neither the name nor the description has it."""
    broker: bool
    """Whether Kafka runs there."""
    long_domain: Optional[str]
    """As "emr-worker-1.cluster-48742"; None where it is not known."""
    addresses: Tuple[str, ...]
    """What is dialled; empty where the node has no address on this network."""
    port: Optional[int]
    """The port that is dialled; None where the node is no broker."""
    by: Optional[str]
    """The key that gives the address: "private_ip", "public_ip" or "connect"; None for nothing."""


@dataclass(frozen=True)
class PlainHost:
    """A name in hosts text that belongs to no node."""

    name: str
    address: str


@dataclass(frozen=True)
class Cluster:
    """One cluster: how to connect to it, and why so."""

    domain: Optional[str]
    """What the long domains end in, as "cluster-48742"; None where it is not known."""
    release: Optional[str]
    """The EMR release; None for hosts text."""
    network: str
    """From where the client comes: "private" or "public"."""
    rule: Rule
    """The version rule that holds."""
    broker_setting: Optional[str]
    """What the brokers must have set to answer there."""
    strict: bool
    """Whether unknown names under the domain fail at once."""
    bootstrap_servers: str
    """The value for bootstrap.servers."""
    nodes: Tuple[Node, ...]
    """The nodes, in the order of the description."""
    plain_hosts: Tuple[PlainHost, ...]
    """Names of a hosts text that are no nodes."""


@dataclass(frozen=True)
class File:
    """A file of a description, as it was when it was read."""

    path: str
    size: Optional[int]
    """In bytes; None where it was not there."""
    modified: Optional[datetime.datetime]
    """When its content was changed last, in UTC."""


@dataclass(frozen=True)
class Lookups:
    """How many lookups were answered, and how."""

    mapped: int
    """By the map."""
    passed_on: int
    """By the system, which was asked."""
    refused: int
    """Not at all: unknown names under the domain of a cluster with ``strict``."""


@dataclass(frozen=True)
class Status:
    """The state of a resolver."""

    source: Optional[str]
    """As messages show it."""
    read_at: datetime.datetime
    """When the descriptions in use were read, in UTC."""
    files: Tuple[File, ...]
    """The files they were read from, as they were then; none for inline sources."""
    stale: Optional[str]
    """Why newer states of the files are not in use; None where all is well as far as was looked."""
    lookups: Lookups
    """The lookups so far."""


class Resolver:
    """Resolves the names of one EMR cluster, or of several.

    ``network`` ("private" or "public"), ``bootstrap`` ("addresses" or "names") and ``strict`` override the description.
    Without ``network``, ``network=`` in the source counts, then KAFKA_EMR_NETWORK in the environment.
    Raises ``kafka_emr.Error`` when something is wrong with the source or the description.

    Any thread may use it, several at once. It is a context manager, which closes it.
    """

    def __init__(
        self,
        source: Source,
        *,
        network: Optional[str] = None,
        bootstrap: Optional[str] = None,
        strict: Optional[bool] = None,
    ) -> None:
        self._handle: Optional[Handle] = None
        self._source = absolute(source)
        self._overrides = (network, bootstrap, strict)
        self._handle = Handle(self._source, overrides(network, bootstrap, strict))

    @property
    def bootstrap_servers(self) -> str:
        """The value for bootstrap.servers by the version rules, as EMR's document has it for programs of every kind.

        Clients that know the cluster's names, by ``config()`` or ``install()``, list the brokers by long domain.

        Raises ``kafka_emr.Error`` for a resolver over several clusters, whose clients set their brokers themselves.
        """
        return self._open().bootstrap_servers()

    def resolve(self, host: str, port: int = 0) -> List[Tuple[str, int]]:
        """Returns what a client would dial, as (address, port).

        Names of no cluster are resolved by the system. Raises ``socket.gaierror`` where a name leads nowhere.
        """
        if not isinstance(host, str):
            raise TypeError(f"host must be str, not {type(host).__name__}")
        if not isinstance(port, int):
            raise TypeError(f"port must be int, not {type(port).__name__}")
        if not 0 <= port <= 65535:
            raise ValueError(f"port must be 0 to 65535, not {port}")
        handle = self._open()
        entries = None
        if host.isascii() and "\0" not in host:
            entries = handle.lookup(host.encode(), b"%d" % port, socket.SOCK_STREAM)
        if entries is None:
            found = system_getaddrinfo(host, port, 0, socket.SOCK_STREAM)
            return [(str(entry[4][0]), int(entry[4][1])) for entry in found]
        return [(entry.address[0], entry.address[1]) for entry in entries]

    def endpoints(self) -> List[Cluster]:
        """Returns what there is to know of each cluster: its rule, its nodes, where their names lead."""
        clusters = []
        for cluster in json.loads(self._open().endpoints_json()):
            cluster["rule"] = Rule(**cluster["rule"])
            nodes = [{**node, "addresses": tuple(node["addresses"])} for node in cluster["nodes"]]
            cluster["nodes"] = tuple(Node(**node) for node in nodes)
            cluster["plain_hosts"] = tuple(PlainHost(**host) for host in cluster["plain_hosts"])
            clusters.append(Cluster(**cluster))
        return clusters

    def status(self) -> Status:
        """Returns where the descriptions come from, whether they are up to date, and how many lookups there were."""
        status = json.loads(self._open().status_json())
        files = [{**file, "modified": _time(file["modified"])} for file in status["files"]]
        status["read_at"] = _time(status["read_at"])
        status["files"] = tuple(File(**file) for file in files)
        status["lookups"] = Lookups(**status["lookups"])
        return Status(**status)

    def close(self) -> None:
        """Lets go of it. Calls that are running end as usual; later ones raise ``kafka_emr.Error``."""
        self._handle = None

    def _open(self) -> Handle:
        handle = self._handle
        if handle is None:
            raise Error(f"the resolver of {self._source} is closed", ErrorCode.ARGUMENT)
        return handle

    def __reduce__(self) -> Tuple[object, ...]:
        # A copy, in this process or another one, opens the source anew.
        self._open()
        return _reopen, (self._source, *self._overrides)

    def __enter__(self) -> Resolver:
        return self

    def __exit__(
        self,
        exception_type: Optional[Type[BaseException]],
        exception: Optional[BaseException],
        traceback: Optional[TracebackType],
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"<kafka_emr.Resolver of {self._source}{'' if self._handle else ', closed'}>"


def _time(seconds: Optional[int]) -> Optional[datetime.datetime]:
    return None if seconds is None else datetime.datetime.fromtimestamp(seconds, datetime.timezone.utc)


def _reopen(source: str, network: Optional[str], bootstrap: Optional[str], strict: Optional[bool]) -> Resolver:
    return Resolver(source, network=network, bootstrap=bootstrap, strict=strict)
