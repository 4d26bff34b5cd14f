"""Finds typical journeys in a sample of sessions and assigns every session to the one it is most like."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from segmentation.errors import DataError
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.sequences.clusters import build_journey_clusters, find_typical
from segmentation.tables import JOURNEY_CLUSTERS, USER_SEQUENCES

if TYPE_CHECKING:
    from argparse import ArgumentParser
    from collections.abc import Sequence

READS = (USER_SEQUENCES,)
WRITES = (JOURNEY_CLUSTERS,)


def add_arguments(parser: ArgumentParser) -> None:
    """The job has no options of its own."""


def run(ctx: Context) -> RunReport:
    """Write `journey_clusters` for the cut of `user_sequences`; again leaves equal rows.

    Raises:
        ConfigurationError: there is no `user_sequences` yet.
        DataError: it is empty.
    """
    sequences = ctx.lake.require(USER_SEQUENCES, "build_journeys")
    first = sequences.select("as_of").head()
    if first is None:
        raise DataError("table 'user_sequences' is empty")
    with ctx.progress.step("find typical journeys"):
        model = find_typical(sequences, params=ctx.config.sequences)
    with ctx.progress.step("assign sessions"):
        ctx.lake.replace(JOURNEY_CLUSTERS, build_journey_clusters(sequences, model=model))
    ctx.lake.publish(ctx.lake.basis(USER_SEQUENCES, WRITES))
    counted = ctx.lake.read(JOURNEY_CLUSTERS).groupBy("cluster").count().collect()
    sizes = {row["cluster"]: row["count"] for row in counted}
    typical = [
        {"sessions": sizes.get(number, 0), "typical": list(states)} for number, states in enumerate(model.typical, 1)
    ]
    quality = {"silhouette": round(model.silhouette, 4), "sampled": model.sampled, "clusters": typical}
    return RunReport(as_of=first["as_of"], quality=quality)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
