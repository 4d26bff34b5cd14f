"""Records of trainings and models as plain values, so that only the store depends on MLflow."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.ml import PipelineModel

CHAMPION = "champion"
CHALLENGER = "challenger"
FINGERPRINT = "fingerprint"
DECISION = "decision"
REASON = "decision_reason"
EVIDENCE = "decision_evidence"
CHOSEN = "chosen"


@dataclass(frozen=True)
class DataSet:
    """A Delta table at the version that a model was trained on."""

    name: str
    path: str
    version: int


@dataclass(frozen=True)
class Curve:
    """A small table that is kept as CSV and drawn as lines over its first column."""

    name: str
    title: str
    columns: tuple[str, ...]
    rows: Sequence[Sequence[float | int | None]]
    y_label: str
    drawn: int | None = None
    """Number of columns after the first that are drawn; None: all."""
    identity: bool = False
    """Whether y = x is drawn too, as where predicted and observed shares are compared."""

    def as_csv(self) -> str:
        """Return the table with a header; an unknown value is empty."""
        text = io.StringIO()
        csv.writer(text, lineterminator="\n").writerows([self.columns, *self.rows])
        return text.getvalue()


def parse_points(text: str) -> list[dict[str, float | None]]:
    """Read what :meth:`Curve.as_csv` wrote."""
    return [{k: float(v) if v else None for k, v in row.items()} for row in csv.DictReader(io.StringIO(text))]


@dataclass(frozen=True)
class NestedRun:
    """Record of one candidate of a training: a run inside the training's."""

    name: str
    params: Mapping[str, object]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    steps: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    """Metric -> (step, value) pairs."""


@dataclass(frozen=True)
class Training:
    """All that is recorded of one training."""

    kind: str
    """Registered model: `clusters` or `propensity-<target>`."""
    fingerprint: str
    pipeline: PipelineModel
    features: tuple[str, ...]
    outputs: Mapping[str, str]
    """Output column -> MLflow type."""
    data: tuple[DataSet, ...]
    params: Mapping[str, object]
    metrics: Mapping[str, float]
    tags: Mapping[str, str]
    """Kept with the registered version: what a scoring run needs to know."""
    steps: Mapping[str, Sequence[tuple[int, float]]] = field(default_factory=dict)
    """Metric -> (step, value) pairs."""
    curves: tuple[Curve, ...] = ()
    documents: Mapping[str, Any] = field(default_factory=dict)
    """File name -> JSON content."""
    nested: tuple[NestedRun, ...] = ()
    description: str = ""
    """Remarks for reviewers, as Markdown: shown with the run."""


@dataclass(frozen=True)
class ModelVersion:
    """A registered model version."""

    name: str
    version: str
    run_id: str
    tags: Mapping[str, str]
    metrics: Mapping[str, float]

    @property
    def fingerprint(self) -> str:
        """Return the fingerprint of its training: inputs, cut, parameters and code."""
        return self.tags[FINGERPRINT]


@dataclass(frozen=True)
class Verdict:
    """Whether a challenger becomes champion, and why."""

    promoted: bool
    reason: str
    evidence: Mapping[str, Any] = field(default_factory=dict)
    """Figures of the decision: JSON-like values, kept with the version."""
