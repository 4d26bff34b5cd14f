"""The pipeline's order of failing: a job that others build on ends the run at once, one that looks on ends it last."""

from __future__ import annotations

from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any

import pytest

from jobs import run_pipeline
from segmentation.errors import DataError, RetryableError, SegmentationError
from segmentation.runtime.context import RunReport


def pipeline(
    monkeypatch: pytest.MonkeyPatch, failing: dict[str, SegmentationError]
) -> tuple[Any, list[str], list[str]]:
    """Replace every job by one that notes its name, or fails."""
    ran: list[str] = []
    said: list[str] = []

    def job(name: str) -> Any:
        def run(_ctx: Any) -> RunReport:
            ran.append(name)
            if name in failing:
                raise failing[name]
            return RunReport(quality={"job": name})

        return SimpleNamespace(__name__=f"jobs.{name}", run=run)

    jobs = {module: job(module.__name__.rsplit(".", 1)[-1]) for module in run_pipeline.JOBS}
    monkeypatch.setattr(run_pipeline, "JOBS", tuple(jobs.values()))
    monkeypatch.setattr(run_pipeline, "WATCHERS", tuple(jobs[module] for module in run_pipeline.WATCHERS))
    monkeypatch.setattr(run_pipeline, "summarise", lambda *_: ["summary"])
    progress = SimpleNamespace(step=lambda _name: nullcontext(), say=said.append)
    lake = SimpleNamespace(read=lambda _table: SimpleNamespace(where=lambda _condition: None), root="lake")
    return SimpleNamespace(progress=progress, lake=lake, as_of="2024-04-01"), ran, said


def test_a_webhook_that_is_down_ends_the_run_after_the_page_is_published(monkeypatch: pytest.MonkeyPatch) -> None:
    down = RetryableError("the webhook cannot be reached")
    ctx, ran, said = pipeline(monkeypatch, {"monitor_segments": down})
    with pytest.raises(RetryableError) as raised:
        run_pipeline.run(ctx)
    assert raised.value.exit_code == 4
    assert ran[-2:] == ["monitor_segments", "publish_review"]
    assert len(ran) == len(run_pipeline.JOBS)
    assert said[-1] == "summary"
    assert "the webhook cannot be reached" in said[0]


def test_a_job_that_others_build_on_ends_the_run_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    ctx, ran, said = pipeline(monkeypatch, {"build_features": DataError("nothing before the cut")})
    with pytest.raises(DataError):
        run_pipeline.run(ctx)
    assert ran[-1] == "build_features"
    assert said == []


def test_without_failure_every_job_reports(monkeypatch: pytest.MonkeyPatch) -> None:
    ctx, ran, _ = pipeline(monkeypatch, {})
    assert list(run_pipeline.run(ctx).quality) == ran
