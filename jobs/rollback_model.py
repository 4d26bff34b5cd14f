"""Takes a model's champion back: the champion before it, or the version named, scores from the next run on."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError, nearest
from segmentation.frames import small_frame
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.tables import EVENTS, MODEL_DECISIONS
from segmentation.tables.model_decisions import ROLLED_BACK
from segmentation.tracking.promotion import rollback_row

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from pyspark.sql import Row

    from segmentation.tracking.records import ModelVersion

READS = (EVENTS, MODEL_DECISIONS)
WRITES = (MODEL_DECISIONS,)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare which model, and to which version."""
    parser.add_argument(
        "--model", required=True, help="kind of model, as in model_decisions: propensity-churn, clusters"
    )
    parser.add_argument("--to", default=None, help="version to go back to (default: the champion before this one)")


def run(ctx: Context) -> RunReport:
    """Make an earlier version champion and write that down; tables stay as they are until the next scoring.

    Raises:
        ConfigurationError: there is no such model or version, or it is not known which came before.
    """
    store = ctx.tracking.store
    kind = _kind_of(ctx, ctx.options["model"])
    champion = store.require_champion(kind, f"train_{kind.partition('-')[0]}")
    decisions = ctx.lake.read(MODEL_DECISIONS).where(F.col("model") == kind).orderBy("decision_no").collect()
    versions = {model.version: model for model in store.versions(kind)}
    to = ctx.options.get("to") or _champion_before(champion, decisions, list(versions))
    if to not in versions:
        raise ConfigurationError(f"'{kind}' has no version {to}: --to one of: {', '.join(versions)}")
    reason = f"rolled back from version {champion.version} by rollback_model"
    store.make_champion(versions[to], f"champion again: {reason}")
    row = rollback_row(
        kind,
        number=len(decisions) + 1,
        before=champion.version,
        after=to,
        as_of=ctx.as_of,
        reason=reason,
        run_id=ctx.run_id,
        decision=ROLLED_BACK,
    )
    ctx.lake.append(MODEL_DECISIONS, small_frame(ctx.spark, [row], MODEL_DECISIONS.schema).coalesce(1))
    ctx.lake.publish({})
    quality = {"model": kind, "champion_before": champion.version, "champion_after": to}
    return RunReport(as_of=ctx.as_of, quality=quality, notes=["run jobs/score_segments.py to score users by it"])


def _kind_of(ctx: Context, name: str) -> str:
    """Read the kind of model out of it, or out of the name it is registered under."""
    kinds = ctx.tracking.store.kinds()
    kind = name.removeprefix(f"{ctx.config.tracking.model_prefix}-")
    if kind not in kinds:
        raise ConfigurationError(
            f"no model '{name}' is registered in {ctx.tracking.uri}{nearest(kind, kinds)}: {', '.join(kinds) or 'none'}"
        )
    return kind


def _champion_before(champion: ModelVersion, decisions: Sequence[Row], versions: Sequence[str]) -> str:
    """Find whom the champion had replaced: going back twice goes back further, not forth."""
    reign: list[str] = []
    for decision in decisions:
        before, after = decision["champion_before"], decision["champion_after"]
        if not reign and before is not None:
            reign.append(before)
        if after in reign:
            del reign[reign.index(after) + 1 :]
        else:
            reign.append(after)
    if reign[-1:] == [champion.version] and len(reign) > 1:
        return reign[-2]
    raise ConfigurationError(
        f"model_decisions knows of no earlier champion than version {champion.version} of '{champion.name}': "
        f"--to one of: {', '.join(versions)}"
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
