from __future__ import annotations

import concurrent.futures
import copy
import datetime
import gc
import json
import logging
import multiprocessing
import os
import pathlib
import pickle
import re
import socket
import time
from typing import Any, Dict, Set

import confluent_kafka
import confluent_kafka.admin
import pytest

import kafka_emr

INLINE = "emr://48742?release=EMR-3.10.1&emr-header-1=10.0.1.23/203.0.113.23&emr-worker-1=10.0.1.24/203.0.113.24"


def test_resolves_to_what_a_client_would_dial() -> None:
    with kafka_emr.Resolver(INLINE) as cluster:
        assert cluster.bootstrap_servers == "emr-worker-1.cluster-48742:9092"
        assert cluster.resolve("EMR-Worker-1.cluster-48742.", 9092) == [("10.0.1.24", 9092)]
        assert cluster.resolve("emr-worker-1") == [("10.0.1.24", 0)]
        assert cluster.resolve("127.0.0.1", 80) == [("127.0.0.1", 80)]
        with pytest.raises(socket.gaierror):
            cluster.resolve("nobody.invalid", 80)


def test_overrides_hold_for_every_part() -> None:
    public = kafka_emr.Resolver(INLINE, network="public")
    assert public.resolve("emr-worker-1.cluster-48742", 9092) == [("203.0.113.24", 9092)]
    assert public.resolve("10.0.1.24", 9092) == [("203.0.113.24", 9092)]
    other = INLINE.replace("48742", "48743").replace("10.0.1", "10.0.2").replace("203.0.113", "198.51.100")
    both = kafka_emr.Resolver(f"{INLINE};{other}", network="public", strict=True)
    assert [cluster.network for cluster in both.endpoints()] == ["public", "public"]
    with pytest.raises(kafka_emr.Error, match="bootstrap.servers"):
        both.bootstrap_servers
    with pytest.raises(socket.gaierror) as refused:
        both.resolve("emr-worker-9.cluster-48743", 9092)
    assert refused.value.errno == socket.EAI_NONAME
    names = kafka_emr.Resolver(INLINE.replace("3.10.1", "3.11.0"), bootstrap="names")
    assert names.bootstrap_servers == "emr-worker-1.cluster-48742:9092"


def test_endpoints_are_plain_data() -> None:
    (cluster,) = kafka_emr.Resolver(INLINE).endpoints()
    assert isinstance(cluster, kafka_emr.Cluster)
    assert (cluster.domain, cluster.network, cluster.rule.name) == ("cluster-48742", "private", "R3")
    assert [node.name for node in cluster.nodes] == ["emr-header-1", "emr-worker-1"]
    assert cluster.nodes[1] == kafka_emr.Node(
        name="emr-worker-1",
        role="core",
        broker=True,
        long_domain="emr-worker-1.cluster-48742",
        addresses=("10.0.1.24",),
        port=9092,
        by="private_ip",
    )
    with pytest.raises(AttributeError):
        cluster.domain = "another"  # type: ignore[misc]
    assert hash(cluster) == hash(kafka_emr.Resolver(INLINE).endpoints()[0])


def test_ipv6() -> None:
    cluster = kafka_emr.Resolver("emr://1?release=3.11&emr-worker-1=fd00::1")
    assert cluster.bootstrap_servers == "[fd00::1]:9092"
    assert cluster.resolve("emr-worker-1.cluster-1", 9092) == [("fd00::1", 9092)]


def test_paths(tmp_path: pathlib.Path, description: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    odd = tmp_path / "a;b ü%3B?.toml"
    odd.write_bytes(description.read_bytes())
    for source in (description, odd, str(description), f"emr://{description}?network=private", f" {description} ; "):
        assert kafka_emr.Resolver(source).endpoints()[0].domain == "cluster-48742"
    if os.fsencode("\udcff") == b"\xff":
        undecodable = tmp_path / "\udcff.toml"
        undecodable.write_bytes(description.read_bytes())
        assert kafka_emr.Resolver(undecodable).endpoints()[0].domain == "cluster-48742"
    monkeypatch.chdir(tmp_path)
    for relative in ("prod.toml", pathlib.Path("prod.toml"), "./prod.toml"):
        properties = kafka_emr.config(relative)
        monkeypatch.chdir("/")
        kafka_emr.Resolver(properties["emr.cluster"])
        monkeypatch.chdir(tmp_path)
    assert kafka_emr.config("prod.toml")["emr.cluster"] == str(description)


def test_config(description: pathlib.Path) -> None:
    path = str(description)
    assert kafka_emr.config(path) == {"plugin.library.paths": kafka_emr.PLUGIN, "emr.cluster": path}
    properties = kafka_emr.config(path, network="private", bootstrap="names", strict=False)
    assert properties == {
        "plugin.library.paths": kafka_emr.PLUGIN,
        "emr.cluster": path,
        "emr.network": "private",
        "emr.bootstrap": "names",
        "emr.strict": "false",
    }
    assert os.path.isfile(kafka_emr.PLUGIN)


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({}, {"emr-worker-1.cluster-48742:9092", "emr-worker-2.cluster-48742:9092"}),
        ({"bootstrap": "addresses"}, {"127.0.0.1:9092", "127.0.0.2:9092"}),
    ],
)
def test_clients_list_brokers_by_long_domain(overrides: Dict[str, Any], expected: Set[str]) -> None:
    """By rule R1 as well, so that a cluster whose addresses change is found again."""
    source = "emr://48742?release=EMR-3.11.0&emr-worker-1=127.0.0.1&emr-worker-2=127.0.0.2"
    seen: Set[str] = set()

    def statistics(text: str) -> None:
        seen.update(broker["nodename"] for broker in json.loads(text)["brokers"].values())

    properties = {**kafka_emr.config(source, **overrides), "statistics.interval.ms": 100, "stats_cb": statistics}
    producer = confluent_kafka.Producer(properties, logger=logging.getLogger("client"))
    end = time.monotonic() + 30
    while not seen:
        assert time.monotonic() < end, "there are no statistics"
        producer.poll(0.1)
    assert seen - {""} == expected


@pytest.mark.parametrize("function", [kafka_emr.Resolver, kafka_emr.config, kafka_emr.install])
@pytest.mark.parametrize(
    ("source", "overrides", "error", "message"),
    [
        ("", {}, kafka_emr.Error, "the source is empty"),
        ("/nonexistent/prod.toml", {}, kafka_emr.Error, "/nonexistent/prod.toml: .*no such file"),
        ("http://example.com/x", {}, kafka_emr.Error, '"http"'),
        ("emr://48742?release=3.1O&emr-worker-1=10.0.1.24", {}, kafka_emr.Error, "emr://48742.*release.*3.1O"),
        (INLINE, {"network": "internet"}, kafka_emr.Error, "internet.*private, public"),
        (INLINE, {"bootstrap": "ips"}, kafka_emr.Error, "ips.*addresses, names"),
        ("emr://1?release=3.11&emr-worker-1=10.0.1.24", {"network": "public"}, kafka_emr.Error, "emr-worker-1"),
        ("prod\0.toml", {}, kafka_emr.Error, "NUL"),
        (INLINE, {"network": "public\0x"}, kafka_emr.Error, "network: a NUL"),
        ("/prod\ud800.toml", {}, kafka_emr.Error, "not UTF-8"),
        ("/" + "x" * 100_000, {}, kafka_emr.Error, "xxx"),
        (None, {}, TypeError, "source must be str or os.PathLike, not NoneType"),
        (b"prod.toml", {}, TypeError, "not bytes"),
        (INLINE, {"network": 1}, TypeError, "network must be str, not int"),
        (INLINE, {"bootstrap": True}, TypeError, "bootstrap must be str, not bool"),
        (INLINE, {"strict": "true"}, TypeError, "strict must be bool, not str"),
    ],
)
def test_errors(function, source, overrides, error, message) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error) as raised:
        function(source, **overrides)
    assert "\n" not in str(raised.value)
    assert re.search(message, str(raised.value)), raised.value


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        ((b"a", 1), TypeError),
        ((None, 1), TypeError),
        (("a", "1"), TypeError),
        (("a", 65536), ValueError),
        (("a", -1), ValueError),
        (("a\0b", 1), (ValueError, OSError)),
        (("é" * 100 + ".cluster-48742", 1), (UnicodeError, OSError)),
    ],
)
def test_wrong_names_and_ports(arguments, error) -> None:  # type: ignore[no-untyped-def]
    with pytest.raises(error):
        kafka_emr.Resolver(INLINE).resolve(*arguments)


def test_follows_its_file(description: pathlib.Path) -> None:
    cluster = kafka_emr.Resolver(description, network="private")
    assert cluster.resolve("emr-worker-1") == [("10.0.1.24", 0)]
    moved = description.with_suffix(".new")
    moved.write_text(description.read_text().replace("10.0.1.24", "10.9.9.9"))
    os.replace(moved, description)
    end = time.monotonic() + 10
    while cluster.resolve("emr-worker-1") != [("10.9.9.9", 0)]:
        assert time.monotonic() < end, "the change is not seen"


def test_status(description: pathlib.Path) -> None:
    started = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
    cluster = kafka_emr.Resolver(str(description), network="private", strict=True)
    status = cluster.status()
    assert status.source and str(description) in status.source
    assert started <= status.read_at <= datetime.datetime.now(datetime.timezone.utc)
    (file,) = status.files
    assert (file.path, file.size) == (str(description), description.stat().st_size)
    modified = datetime.datetime.fromtimestamp(int(description.stat().st_mtime), datetime.timezone.utc)
    assert file.modified == modified
    assert (status.stale, status.lookups) == (None, kafka_emr.Lookups(mapped=0, passed_on=0, refused=0))

    assert cluster.resolve("emr-worker-1.cluster-48742", 9092) and cluster.resolve("127.0.0.1", 9092)
    with pytest.raises(socket.gaierror):
        cluster.resolve("emr-worker-9.cluster-48742", 9092)
    assert cluster.status().lookups == kafka_emr.Lookups(mapped=1, passed_on=1, refused=1)

    description.write_text("nonsense")
    end = time.monotonic() + 10
    while cluster.status().stale is None:
        assert time.monotonic() < end, "the change is not seen"
        assert cluster.resolve("emr-worker-1.cluster-48742", 9092) == [("10.0.1.24", 9092)]
    assert str(description) in (cluster.status().stale or "")
    assert cluster.status().files == status.files

    inline = kafka_emr.Resolver(INLINE).status()
    assert (inline.source, inline.files) == ("emr://48742?…", ())


@pytest.mark.parametrize(
    ("source", "code"),
    [
        ("emr://48742?release=3.1O&emr-worker-1=10.0.1.24", kafka_emr.ErrorCode.RELEASE),
        ("emr://1?release=3.11&emr-header-1=10.0.1.24", kafka_emr.ErrorCode.VALUE),
        ("emr://1?release=3.11&emr-worker-1=10.0.1.24&network=public", kafka_emr.ErrorCode.ADDRESS),
        ("http://example.com/x", kafka_emr.ErrorCode.SOURCE),
        ("/nonexistent/prod.toml", kafka_emr.ErrorCode.IO),
        ("prod\0.toml", kafka_emr.ErrorCode.ARGUMENT),
    ],
)
def test_codes(source: str, code: kafka_emr.ErrorCode) -> None:
    with pytest.raises(kafka_emr.Error) as raised:
        kafka_emr.Resolver(source)
    assert raised.value.code is code
    for copied in (copy.copy(raised.value), pickle.loads(pickle.dumps(raised.value))):
        assert (str(copied), copied.code) == (str(raised.value), code)
    # One that succeeds leaves nothing behind.
    kafka_emr.Resolver(INLINE)
    with pytest.raises(kafka_emr.Error) as closed, kafka_emr.Resolver(INLINE) as cluster:
        cluster.close()
        cluster.endpoints()
    assert closed.value.code is kafka_emr.ErrorCode.ARGUMENT


def test_codes_of_files(description: pathlib.Path) -> None:
    def code() -> kafka_emr.ErrorCode:
        with pytest.raises(kafka_emr.Error) as raised:
            kafka_emr.Resolver(description)
        return raised.value.code

    description.chmod(0o666)
    assert code() is kafka_emr.ErrorCode.INSECURE
    description.chmod(0o644)
    description.write_text("id = [")
    assert code() is kafka_emr.ErrorCode.SYNTAX


def test_closed() -> None:
    cluster = kafka_emr.Resolver(INLINE)
    cluster.close()
    cluster.close()
    for use in (cluster.endpoints, lambda: cluster.bootstrap_servers, lambda: cluster.resolve("a")):
        with pytest.raises(kafka_emr.Error, match="closed"):
            use()
    assert "closed" in repr(cluster)


def test_copies_open_the_source_anew(description: pathlib.Path) -> None:
    first = kafka_emr.Resolver(str(description), network="public")
    for other in (copy.copy(first), copy.deepcopy({"cluster": first})["cluster"], pickle.loads(pickle.dumps(first))):
        with other:
            assert other.resolve("emr-worker-1.cluster-48742", 9092) == first.resolve("emr-worker-1.cluster-48742", 9092)
    assert first.bootstrap_servers
    first.close()
    with pytest.raises(kafka_emr.Error, match="closed"):
        pickle.dumps(first)
    with kafka_emr.install(str(description)) as installation, pytest.raises(TypeError):
        copy.copy(installation)


def test_spawned_processes_take_one(description: pathlib.Path) -> None:
    with kafka_emr.Resolver(str(description)) as cluster:
        with concurrent.futures.ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            assert pool.submit(_servers, cluster).result(60) == cluster.bootstrap_servers


def _servers(cluster: kafka_emr.Resolver) -> str:
    return cluster.bootstrap_servers


def test_many_threads_while_it_is_closed() -> None:
    def use(cluster: kafka_emr.Resolver) -> int:
        done = 0
        try:
            while done < 2000:
                assert cluster.resolve("emr-worker-1.cluster-48742", 9092) == [("10.0.1.24", 9092)]
                assert cluster.bootstrap_servers
                done += 1
        except kafka_emr.Error:
            pass
        return done

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        kept, closed = kafka_emr.Resolver(INLINE), kafka_emr.Resolver(INLINE)
        results = [pool.submit(use, cluster) for cluster in (kept, closed) * 4]
        closed.close()
        gc.collect()
        assert [result.result() for result in results[::2]] == [2000] * 4


def test_ten_thousand_resolvers() -> None:
    for _ in range(10_000):
        kafka_emr.Resolver(INLINE)


def _child(cluster: kafka_emr.Resolver) -> None:
    assert cluster.resolve("emr-worker-1") == [("10.0.1.24", 0)]
    with kafka_emr.install(INLINE):
        assert socket.getaddrinfo("emr-worker-1.cluster-48742", 1)[0][4] == ("10.0.1.24", 1)


def test_after_a_fork() -> None:
    cluster = kafka_emr.Resolver(INLINE)
    child = multiprocessing.get_context("fork").Process(target=_child, args=(cluster,))
    child.start()
    child.join(30)
    assert child.exitcode == 0
    assert cluster.resolve("emr-worker-1") == [("10.0.1.24", 0)]


def test_the_network_of_the_environment(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "prod.toml"
    path.write_text('id = "1"\nrelease = "3.11"\nnodes = [{ name = "core-1-1", private_ip = "10.0.1.24" }]\n')
    no_eips, own = str(path), f"emr://{path}?network=private"

    monkeypatch.setenv("KAFKA_EMR_NETWORK", "public")
    for opens in (kafka_emr.config, kafka_emr.Resolver, kafka_emr.install):
        with pytest.raises(kafka_emr.Error, match="public network.*core-1-1") as refused:
            opens(no_eips)
        assert refused.value.code is kafka_emr.ErrorCode.ADDRESS
        # What is nearer comes first: an argument, and what the source itself has.
        for opened in (opens(no_eips, network="private"), opens(own)):
            if isinstance(opened, kafka_emr.Installation):
                opened.undo()
    monkeypatch.setenv("KAFKA_EMR_NETWORK", "internet")
    with pytest.raises(kafka_emr.Error, match='KAFKA_EMR_NETWORK: .*"internet".*private, public.*; correct or unset it'):
        kafka_emr.config(no_eips)
    kafka_emr.config(no_eips, network="private")
    monkeypatch.setenv("KAFKA_EMR_NETWORK", "")
    kafka_emr.config(no_eips)


def test_config_is_for_every_client() -> None:
    """What a type checker sees as well: clients declare different types of values."""
    source = "emr://48742?release=3.10&emr-worker-1=127.0.0.1"
    confluent_kafka.Producer(kafka_emr.config(source))
    confluent_kafka.admin.AdminClient(kafka_emr.config(source))
    properties = kafka_emr.config(source)
    properties["session.timeout.ms"] = 6000
    confluent_kafka.Consumer({**properties, "group.id": "billing"}).close()
