from __future__ import annotations

import importlib.metadata
import logging
import os
import pathlib
import re
import subprocess
import sys
from ctypes import POINTER, c_char_p, c_int, c_size_t, c_uint, c_void_p
from typing import Any, Dict, List

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


# What a type of the header may be in ctypes. c_char_p is also what raw bytes and buffers are passed as.
TYPES: Dict[str, List[Any]] = {
    "void": [None],
    "int": [c_int],
    "unsigned int": [c_uint],
    "size_t": [c_size_t],
    "kafka_emr_err_t": [c_int],
    "kafka_emr_log_level_t": [c_int],
    "void *": [c_void_p],
    "const char *": [c_char_p],
    "char *": [c_char_p, c_void_p],
    "const char *const *": [POINTER(c_char_p)],
    "kafka_emr_resolver_t *": [c_void_p],
    "const kafka_emr_resolver_t *": [c_void_p],
    "struct addrinfo *": [POINTER(_library._AddrInfo)],
    "const struct addrinfo *": [POINTER(_library._AddrInfo)],
    "struct addrinfo **": [POINTER(POINTER(_library._AddrInfo))],
    "const struct sockaddr *": [c_char_p],
    "struct sockaddr_storage *": [c_char_p],
    "kafka_emr_log_cb_t": [_logging.CALLBACK],
}
# A string that is the caller's to free: as c_char_p, its pointer would be lost.
RESULTS = {**TYPES, "char *": [c_void_p]}


def check_prototype(name: str, code: str, pattern: str, result: Any, arguments: Any) -> None:
    """Compares a prototype with the one that the pattern finds: its result, and its arguments with their names."""
    ((declared_result, declared),) = re.findall(pattern, code, re.MULTILINE)
    assert result in RESULTS[declared_result.strip()], f"{name}: {declared_result}"
    declared = [] if declared == "void" else [" ".join(argument.split()) for argument in declared.split(",")]
    assert len(arguments) == len(declared), name
    for argument, of_header in zip(arguments, declared):
        assert argument in TYPES[re.sub(r"\w+$", "", of_header).strip()], f"{name}: {of_header}"


def test_prototypes_are_those_of_the_header() -> None:
    header = (pathlib.Path(__file__).parents[2] / "include" / "kafka_emr.h").read_text()
    code = re.sub(r"//.*|/\*[^/]*\*/", "", header)
    for name, (result, arguments) in _library._PROTOTYPES.items():
        check_prototype(name, code, rf"^([\w *]+\W){name}\(([^)]*)\);", result, arguments)
    callback: Any = _logging.CALLBACK
    pattern = r"^typedef (\w+) \(\*kafka_emr_log_cb_t\)\(([^)]*)\);"
    check_prototype("kafka_emr_log_cb_t", code, pattern, callback._restype_, callback._argtypes_)
    (not_mapped,) = re.findall(r"#define KAFKA_EMR_NOT_MAPPED (\d+)", header)
    assert int(not_mapped) == _library._NOT_MAPPED
    codes = {name: int(number) for name, number in re.findall(r"KAFKA_EMR_ERR_(\w+) = (\d+)", header)}
    assert codes == {"OK": 0, **{code.name: int(code) for code in kafka_emr.ErrorCode}}
    levels = {int(number): name for name, number in re.findall(r"KAFKA_EMR_LOG_(\w+) = (\d+)", header)}
    assert {number: logging.getLevelName(level) for number, level in _logging.LEVELS.items()} == {
        **levels,
        4: "WARNING",
    }
