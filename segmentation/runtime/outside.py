"""Recognise states outside of a job that make it fail: a full disk, a store of models that was changed."""

from __future__ import annotations

import errno

from segmentation.errors import ConfigurationError, RetryableError, SegmentationError

FULL = ("No space left on device", "Disk quota exceeded", "disk is full")
REFUSED = ("RESOURCE_DOES_NOT_EXIST", "INVALID_STATE", "PERMISSION_DENIED", "UNAUTHENTICATED")
"""Codes by which MLflow says that something is not there, was deleted, or may not be used."""
BUSY = ("TEMPORARILY_UNAVAILABLE", "REQUEST_LIMIT_EXCEEDED", "DEADLINE_EXCEEDED")
"""Codes by which MLflow says that the same request may succeed later."""


def explain_state(error: BaseException) -> SegmentationError | None:
    """Return the error with exit code and remedy that an exception stands for; None if it is a defect of ours."""
    if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
        return _full(f"{error.filename or 'the disk'}: {error.strerror}")
    text = str(error)
    found = next((line.strip() for line in text.splitlines() if any(mark in line for mark in FULL)), None)
    if found is not None:
        return _full(found[:200])
    code = getattr(error, "error_code", None)
    if not type(error).__module__.startswith("mlflow") or code not in (*REFUSED, *BUSY):
        return None
    if code in BUSY:
        return RetryableError(f"the store of models is busy ({text}); start the same command again")
    return ConfigurationError(f"the store of models (tracking.uri) does not have what this job needs: {text}")


def _full(found: str) -> RetryableError:
    return RetryableError(
        f"no space is left ({found}): free some on the disks of the lake and of Spark's temporary files "
        "(spark.local.dir), then start the same command again; nothing is half-published"
    )
