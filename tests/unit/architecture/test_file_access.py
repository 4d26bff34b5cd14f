"""Files of lakes, inputs and sites are reached through `segmentation.filesystem` alone."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

PROJECT = Path(__file__).parents[3]
ON_THE_DRIVER = {
    "jobs/check_quality.py": "the configuration folder",
    "jobs/check_source.py": "the configuration folder, into which a mapping is drafted",
    "segmentation/config.py": "the configuration folder",
    "segmentation/identities/params.py": "the configuration folder",
    "segmentation/instrumentation/__main__.py": "a folder of the developer, into which code is generated",
    "segmentation/parameters.py": "the configuration folder",
    "segmentation/privacy/keys.py": "a key, which is mounted on the driver",
    "segmentation/profiles/params.py": "the configuration folder",
    "segmentation/pulls/declaration.py": "the configuration folder",
    "segmentation/runtime/local_jvm.py": "jars and the archive of classes beside them",
    "segmentation/runtime/session.py": "jars, and Log4j's settings in the configuration folder",
    "segmentation/segments/rules.py": "the configuration folder",
    "segmentation/sequences/states.py": "the configuration folder",
    "segmentation/sources/mapping.py": "the configuration folder",
    "segmentation/sources/secrets.py": "a secret, which is mounted on the driver",
    "segmentation/sources/tracking_plan.py": "the configuration folder",
    "segmentation/tracking/store.py": "temporary files that MLflow uploads, and the folder of MLflow's SQLite file",
    "segmentation/tracking/tracking.py": "MLflow's SQLite file",
}
"""Modules that reach files of the driver's disk, and which: these are there on every platform."""
MODULES = {"fcntl", "glob", "shutil", "tempfile"}
METHODS = {
    *("absolute", "chmod", "exists", "glob", "is_dir", "is_file", "is_symlink", "iterdir", "listdir", "makedirs"),
    *("mkdir", "read_bytes", "read_text", "resolve", "rglob", "rmdir", "scandir", "stat", "symlink_to", "touch"),
    *("unlink", "walk", "write_bytes", "write_text"),
}
"""Functions of `os` and methods of `pathlib.Path` that look at a disk or change it."""
OF_SPARK = {"F.exists"}
"""Functions of the same name that have nothing to do with files."""
HADOOP = "hadoop.fs"


def accesses(source: str) -> Iterator[str]:
    """Return what a module does with files by itself."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names if alias.name in MODULES)
        elif isinstance(node, ast.ImportFrom) and node.module in MODULES:
            yield node.module
        elif isinstance(node, ast.Call):
            called = ast.unparse(node.func)
            if called == "open" or (called.rsplit(".", 1)[-1] in METHODS and "." in called and called not in OF_SPARK):
                yield called
        elif isinstance(node, ast.Attribute) and HADOOP in ast.unparse(node):
            yield HADOOP


def found() -> dict[str, set[str]]:
    folders = (PROJECT / "segmentation", PROJECT / "jobs")
    paths = sorted(path for folder in folders for path in folder.rglob("*.py") if path.parent.name != "filesystem")
    by_module = {str(path.relative_to(PROJECT)): set(accesses(path.read_text(encoding="utf-8"))) for path in paths}
    return {name: calls for name, calls in by_module.items() if calls}


def test_only_one_package_reaches_files_of_lakes_and_inputs() -> None:
    calls = found()
    assert {name: calls[name] for name in calls.keys() - ON_THE_DRIVER.keys()} == {}
    assert not ON_THE_DRIVER.keys() - calls.keys(), "these are listed and reach no file"
    assert not {name for name in calls if HADOOP in calls[name]}


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("import shutil", {"shutil"}),
        ("from tempfile import mkdtemp", {"tempfile"}),
        ("open(path)", {"open"}),
        ("Path(root).mkdir()", {"Path(root).mkdir"}),
        ("os.listdir(root)", {"os.listdir"}),
        ("java(spark).org.apache.hadoop.fs.Path(p)", {HADOOP}),
        ("F.exists('a', f)", set()),
        ("read_text(spark, path)", set()),
    ],
)
def test_accesses(source: str, expected: set[str]) -> None:
    assert set(accesses(source)) == expected
