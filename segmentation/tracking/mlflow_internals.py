"""Use of private parts of MLflow, in one place: check it first when MLflow is upgraded.

Only :mod:`segmentation.tracking.store` imports this module, after it has set the environment that MLflow reads.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import mlflow.models.utils

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def example_not_served() -> Iterator[None]:
    """Log a model without loading it again to score its input example, which takes as long as the logging itself.

    MLflow has no public switch for this, so its private `_validate_serving_input` is replaced while the model is
    logged. MLflow only warns if the example fails, and the store hides that warning; the example is stored all the
    same. The replacement is global, so no two models may be logged at the same time in one process.
    """
    served = mlflow.models.utils._validate_serving_input  # noqa: SLF001  see above
    mlflow.models.utils._validate_serving_input = lambda **_: None  # noqa: SLF001
    try:
        yield
    finally:
        mlflow.models.utils._validate_serving_input = served  # noqa: SLF001
