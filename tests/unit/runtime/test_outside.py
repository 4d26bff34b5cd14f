"""A state outside of a job has an exit code and a remedy; anything else stays a defect."""

from __future__ import annotations

import errno

import pytest
from mlflow.exceptions import MlflowException
from mlflow.protos.databricks_pb2 import INTERNAL_ERROR, INVALID_STATE, TEMPORARILY_UNAVAILABLE

from segmentation.runtime.outside import explain_state


@pytest.mark.parametrize(
    ("error", "code", "word"),
    [
        (OSError(errno.ENOSPC, "No space left on device", "/lake/events"), 4, "/lake/events"),
        (RuntimeError("Job aborted\njava.io.IOException: No space left on device\n\tat java"), 4, "no space is left"),
        (MlflowException("The experiment 1 must be in the 'active' state", INVALID_STATE), 2, "experiment 1"),
        (MlflowException("try later", TEMPORARILY_UNAVAILABLE), 4, "busy"),
    ],
)
def test_a_state_is_explained(error: Exception, code: int, word: str) -> None:
    found = explain_state(error)
    assert found is not None
    assert (found.exit_code, word in str(found)) == (code, True)


@pytest.mark.parametrize(
    "error", [ValueError("x"), OSError(errno.ENOENT, "no such file"), MlflowException("oops", INTERNAL_ERROR)]
)
def test_a_defect_is_none(error: Exception) -> None:
    assert explain_state(error) is None
