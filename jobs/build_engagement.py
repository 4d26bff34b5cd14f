"""Finds hidden states of engagement at the cut, and the state that every user was in, period by period."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from segmentation.errors import DataError
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.cut import read_cut
from segmentation.runtime.main import run_job
from segmentation.sequences.engagement import build_activity, build_engagement_stays, describe_states, find_states
from segmentation.tables import ENGAGEMENT_STATES, ENGAGEMENT_STAYS, EVENTS, SESSIONS, USER_DAYS

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from segmentation.sequences.hidden import HiddenStates

READS = (EVENTS, SESSIONS, USER_DAYS)
WRITES = (ENGAGEMENT_STAYS, ENGAGEMENT_STATES)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job has no options of its own."""


def run(ctx: Context) -> RunReport:
    """Write both tables at the cut; again leaves equal rows.

    Raises:
        DataError: no user was active before the cut.
    """
    as_of, config = ctx.as_of, ctx.config
    tables = read_cut(ctx)
    activity = build_activity(tables.user_days, as_of=as_of, params=config.engagement).persist()
    try:
        if activity.isEmpty():
            raise DataError(f"no event happened and was received before {as_of}")
        with ctx.progress.step("find states"):
            model = find_states(activity, params=config.engagement)
        with ctx.progress.step("decode users"):
            stays = build_engagement_stays(activity, model=model, as_of=as_of, params=config.engagement)
            ctx.lake.replace(ENGAGEMENT_STAYS, stays)
    finally:
        activity.unpersist()
    states = describe_states(ctx.lake.read(ENGAGEMENT_STAYS), model=model, as_of=as_of, params=config.engagement)
    ctx.lake.replace(ENGAGEMENT_STATES, states, where=f"as_of = DATE'{as_of}'")
    ctx.lake.publish(ctx.lake.basis(EVENTS, WRITES))
    return RunReport(as_of=as_of, quality=_summary(ctx, model))


def _summary(ctx: Context, model: HiddenStates) -> dict[str, object]:
    """Tell how active the states are, and how many users are in each."""
    known = ctx.lake.read(ENGAGEMENT_STATES).where(f"as_of = DATE'{ctx.as_of}'").orderBy("state").collect()
    return {
        "users": [row["users"] for row in known],
        "active_days": [round(mean, 2) for mean in model.means],
        "bics": [round(bic, 1) for bic in model.bics],
        "sampled": model.sequences,
    }


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
