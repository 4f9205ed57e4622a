from __future__ import annotations

import importlib.metadata
import logging
import os
import pathlib
import re
import subprocess
import sys

import kafka_emr
from kafka_emr import _library, _logging


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", "kafka_emr", *arguments], capture_output=True, text=True, timeout=60)


def test_python_m() -> None:
    shown = run()
    assert (shown.returncode, shown.stderr) == (0, "")
    for words in (kafka_emr.__version__, f"plugin.library.paths={kafka_emr.PLUGIN}", "kafka_emr.config", "kcat"):
        assert words in shown.stdout
    plugin = run("--plugin")
    assert (plugin.returncode, plugin.stdout) == (0, kafka_emr.PLUGIN + "\n")
    assert run("--version").stdout == f"kafka-emr {kafka_emr.__version__}\n"
    wrong = run("--plugni")
    assert (wrong.returncode, wrong.stdout) == (2, "")


def test_version_and_files() -> None:
    assert importlib.metadata.version("kafka-emr") == kafka_emr.__version__
    assert os.path.isabs(kafka_emr.PLUGIN) and kafka_emr.PLUGIN.endswith("libkafka_emr.so")
    assert (pathlib.Path(kafka_emr.__file__).parent / "py.typed").is_file()


def test_all_that_is_public_is_documented() -> None:
    assert kafka_emr.__doc__
    for name in kafka_emr.__all__:
        public = getattr(kafka_emr, name)
        assert isinstance(public, str) or public.__doc__, name
        if isinstance(public, type) and public.__module__.startswith("kafka_emr"):
            for method, body in vars(public).items():
                assert method.startswith("_") or not callable(body) or body.__doc__, (name, method)


def test_prototypes_are_those_of_the_header() -> None:
    header = (pathlib.Path(__file__).parents[2] / "include" / "kafka_emr.h").read_text()
    code = re.sub(r"//.*|/\*[^/]*\*/", "", header)
    for name, (_, arguments) in _library._PROTOTYPES.items():
        (declared,) = re.findall(rf"\b{name}\(([^)]*)\)", code)
        assert len(arguments) == (0 if declared == "void" else declared.count(",") + 1), name
    (not_mapped,) = re.findall(r"#define KAFKA_EMR_NOT_MAPPED (\d+)", header)
    assert int(not_mapped) == _library._NOT_MAPPED
    codes = {name: int(number) for name, number in re.findall(r"KAFKA_EMR_ERR_(\w+) = (\d+)", header)}
    assert codes == {"OK": 0, **{code.name: int(code) for code in kafka_emr.ErrorCode}}
    levels = {int(number): name for name, number in re.findall(r"KAFKA_EMR_LOG_(\w+) = (\d+)", header)}
    assert {number: logging.getLevelName(level) for number, level in _logging.LEVELS.items()} == {
        **levels,
        4: "WARNING",
    }
