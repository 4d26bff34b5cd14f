"""Reductions to micro-clusters that are kept against those computed anew."""

from __future__ import annotations

import numpy as np
import pytest

from segmentation.models.methods import micro, ward
from segmentation.models.params import ClusterParams

POINTS = np.random.default_rng(3).normal(size=(200, 4))


def test_labels__are_those_of_a_reduction_computed_anew() -> None:
    params, reductions = ClusterParams(micro_clusters=20), micro.Reductions()
    for k in (2, 3, 4):
        kept = ward.label(POINTS, k, params=params, reductions=reductions)
        assert (ward.label(POINTS, k, params=params) == kept).all()


def test_reductions__are_computed_once_for_equal_points_and_parameters(monkeypatch: pytest.MonkeyPatch) -> None:
    computed = []
    monkeypatch.setattr(micro, "_reduce", lambda points, params: computed.append((points[0, 0], params.seed)) or "r")
    reductions = micro.Reductions(most=2)
    other = ClusterParams(seed=ClusterParams().seed + 1)
    for points, params in ((POINTS, ClusterParams()), (POINTS.copy(), ClusterParams()), (POINTS, other)):
        reductions.of(points, params)
    assert len(computed) == 2
    reductions.of(POINTS + 1, other)  # the third: the oldest is dropped
    reductions.of(POINTS, ClusterParams())
    assert len(computed) == 4
