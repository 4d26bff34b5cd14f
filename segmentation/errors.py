"""The one exception hierarchy. Each class carries the exit code that a job ends with."""

from __future__ import annotations

import difflib
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable


class SegmentationError(Exception):
    """Base of all errors that we raise on purpose: the message alone tells the user what to do."""

    exit_code = 1


class ConfigurationError(SegmentationError):
    """Usage or configuration is wrong: an unknown key, a missing file, a mapping without its column."""

    exit_code = 2


class DataError(SegmentationError):
    """The data exceeded a threshold: nothing was published."""

    exit_code = 3


class UntrainableError(DataError):
    """The data hold too little to learn one target from: what does not need its model can go on."""


class RetryableError(SegmentationError):
    """Another run holds the lake, or storage refused for now: the same command may succeed later."""

    exit_code = 4


class ExecutorLostError(RetryableError):
    """A machine of the cluster died with what it held of an unfinished run."""


class ContractError(SegmentationError):
    """A frame does not fit its table's contract. This is a defect of ours, not of the data."""


def nearest(word: str, known: Iterable[str]) -> str:
    """Return `` (did you mean 'x'?)`` for the closest known word, or nothing where none is close."""
    matches = difflib.get_close_matches(word, list(known), n=1)
    return f" (did you mean '{matches[0]}'?)" if matches else ""
