"""Translate the errors of file systems into those that a job ends with."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

from segmentation.errors import ConfigurationError, RetryableError
from segmentation.jvm import Py4JJavaError, error_classes

if TYPE_CHECKING:
    from collections.abc import Iterator

_REFUSED = ("AccessControlException", "AccessDeniedException")
"""Ends of the names of errors that mean a missing permission, on every file system."""
_UNKNOWN = ("UnsupportedFileSystemException", "IllegalArgumentException")
"""Ends of the names of errors that mean a path of no file system that Spark knows."""
_STORAGE = "java.io.IOException"


@contextmanager
def named_problems(path: str) -> Iterator[None]:
    """Translate an error of a file system, and name the path.

    Raises:
        ConfigurationError: a permission is missing, or Spark knows no such file system.
        RetryableError: any other error of the file system.
    """
    try:
        yield
    except PermissionError as error:
        raise ConfigurationError(f"{path}: permission denied; give the user of the job access to it") from error
    except OSError as error:
        raise RetryableError(f"{path}: the file system failed ({error}); run the same command again") from error
    except Py4JJavaError as error:
        kinds = error_classes(error)
        text = f"{kinds[0].rsplit('.', 1)[-1]}: {_first_line(error)}"
        if any(kind.endswith(_REFUSED) for kind in kinds):
            raise ConfigurationError(f"{path}: permission denied; give the user of the job access to it") from error
        if any(kind.endswith(_UNKNOWN) for kind in kinds):
            raise ConfigurationError(f"{path}: Spark cannot use this path ({text})") from error
        if _STORAGE in kinds:
            raise RetryableError(f"{path}: the file system failed ({text}); run the same command again") from error
        raise


def is_caused_by(error: Py4JJavaError, kind: str) -> bool:
    """Return whether an error is a Java exception of a class, or of one that extends it."""
    return kind in error_classes(error)


def _first_line(error: Py4JJavaError) -> str:
    lines = str(error.java_exception.getMessage() or "").splitlines()
    return lines[0] if lines else "no message"
