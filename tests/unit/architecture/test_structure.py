"""The shape of the project: lineage without cycles, one interface, generated pages up to date."""

from __future__ import annotations

import ast
import importlib
import re
from collections import Counter
from graphlib import TopologicalSorter
from pathlib import Path

import pytest
from pyspark.sql.types import ArrayType, BooleanType, MapType

from segmentation import tables
from segmentation.runtime.main import build_parser
from segmentation.sources.tracking_plan import describe_plan, load_tracking_plan
from segmentation.tables.reference import all_tables, tables_page

PROJECT = Path(__file__).parents[3]
NAMES = sorted(path.stem for path in (PROJECT / "jobs").glob("*.py") if path.stem != "__init__")
JOBS = {name: importlib.import_module(f"jobs.{name}") for name in NAMES}
ANALYSES = {
    "build_engagement",
    "build_identities",
    "build_journeys",
    "build_lifecycle",
    "cluster_journeys",
    "compare_segmentations",
    "describe_features",
    "explain_customer",
    "explain_propensity",
    "predict_lifetimes",
}
UPKEEP = {"maintain_tables", "drop_raw_text", "erase_person", "export_person", "rollback_model"}
APART = {"run_pipeline", "check_source", "pull_source", "reconcile_counts"} | ANALYSES | UPKEEP
"""Jobs that run the others, look at a source or pull from it before and after they do, or are run on demand."""

INTERFACE = {"features", "fit", "label", "settings"}
"""Functions that every family of features (`features`) or every clustering method (the others) defines."""


def test_lineage_is_acyclic_a_jobs_own_state_aside() -> None:
    order = [name for name in NAMES if name != "run_pipeline"]
    writers = {table.name: [n for n in order if table in JOBS[n].WRITES] for n in order for table in JOBS[n].WRITES}
    graph = {
        name: {w for table in JOBS[name].READS if table not in JOBS[name].WRITES for w in writers.get(table.name, [])}
        for name in order
    }
    list(TopologicalSorter(graph).static_order())  # raises CycleError


def test_the_pipeline_runs_every_job_after_those_it_reads_from() -> None:
    pipeline = [job.__name__.rsplit(".", 1)[-1] for job in JOBS["run_pipeline"].JOBS]
    assert sorted(pipeline) == [name for name in NAMES if name not in APART]
    written: set[str] = set()
    for name in pipeline:
        job = JOBS[name]
        assert {table.name for table in job.READS} <= written | {table.name for table in job.WRITES}, name
        written |= {table.name for table in job.WRITES}


@pytest.mark.parametrize("name", NAMES)
def test_every_job_has_the_one_interface(name: str) -> None:
    usage = build_parser(JOBS[name]).format_help()
    for option in ("--env", "--conf-dir", "--lake", "--as-of", "--set", "--dry-run"):
        assert option in usage
    assert JOBS[name].main.__annotations__["return"] == "int"


def test_contracts_are_sound() -> None:
    for table in all_tables():
        assert len(set(table.names)) == len(table.names), table.name
        assert set(table.key) <= set(table.names), table.name
        assert set(table.clustered_by) <= set(table.names), table.name
        unordered = {c.name for c in table.columns if isinstance(c.type, (ArrayType, BooleanType, MapType))}
        assert not unordered & set(table.clustered_by), f"{table.name}: Delta keeps no least and greatest of these"


def test_every_contract_is_exported() -> None:
    exported = [value for value in map(vars(tables).get, tables.__all__) if isinstance(value, tables.Table)]
    assert {table.name for table in exported} == {table.name for table in all_tables()} | {"parsed_records"}


def test_the_tables_page_is_current() -> None:
    assert (PROJECT / "docs" / "tables.md").read_text() == tables_page()


def test_the_steps_of_the_ingest_page_are_files_that_define_their_values() -> None:
    page = (PROJECT / "docs" / "how-it-works.md").read_text(encoding="utf-8")
    named = dict(re.findall(r"^\| [\w -]+ \| `(\w+/\w+\.py)` \| .+? \| (.+?) \|", page, re.MULTILINE))
    assert len(named) == 16
    for path, returned in named.items():
        source = (PROJECT / "segmentation" / path).read_text(encoding="utf-8")
        values = re.findall(r"^`([A-Z]\w+)`$", returned)
        assert all(f"class {value}" in source for value in values), path


def test_the_page_of_the_tracking_plan_is_current() -> None:
    plan = load_tracking_plan(PROJECT / "conf")
    assert (PROJECT / "docs" / "tracking_plan.md").read_text() == describe_plan(plan)


def test_small_files_and_functions() -> None:
    long = {str(p): n for p in (PROJECT / "segmentation").rglob("*.py") if (n := len(p.read_text().splitlines())) > 400}
    assert long == {}


def test_only_one_module_accesses_the_jvm() -> None:
    words = re.compile(
        r"\b(_jvm|_jsc|_jdf|_jsparkSession|_gateway|sparkContext)\b|^\s*(from|import) py4j", re.MULTILINE
    )
    modules = (PROJECT / "segmentation").rglob("*.py")
    assert [path.name for path in modules if words.search(path.read_text())] == ["jvm.py"]


def test_no_public_name_is_defined_in_two_modules() -> None:
    trees = (ast.parse(path.read_text()) for path in (PROJECT / "segmentation").rglob("*.py"))
    defined = (node for tree in trees for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef))
    counts = Counter(node.name for node in defined if not node.name.startswith("_"))
    assert {name for name, modules in counts.items() if modules > 1} == INTERFACE
