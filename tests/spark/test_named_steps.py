"""Threads of a pool describe their jobs as the thread that filled the pool does."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from segmentation.steps import DESCRIPTION, in_step, step

pytestmark = pytest.mark.spark


def test_in_step__a_worker_thread_inherits_the_description_and_changes_only_its_own(spark) -> None:
    context = spark.sparkContext

    def describe(name: str) -> tuple[str, str, str]:
        before = context.getLocalProperty(DESCRIPTION)
        with step(spark, name):
            within = context.getLocalProperty(DESCRIPTION)
        return before, within, context.getLocalProperty(DESCRIPTION)

    with step(spark, "write"), ThreadPoolExecutor(2) as pool:
        tasks = [pool.submit(in_step(spark, describe), name) for name in ("events", "sessions")]
        assert [task.result() for task in tasks] == [("write", "events", "write"), ("write", "sessions", "write")]
        assert context.getLocalProperty(DESCRIPTION) == "write"
    assert context.getLocalProperty(DESCRIPTION) is None
