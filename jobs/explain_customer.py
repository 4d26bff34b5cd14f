"""Show one person: events, sessions, traits, features, rules, segments over time, scores and why. Writes nothing."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from segmentation.errors import ConfigurationError
from segmentation.profiles.params import load_profiles
from segmentation.review.customer import write_customer
from segmentation.review.person import PersonAtCut, describe_person
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.main import run_job
from segmentation.segments.rules import load_rules
from segmentation.tables import (
    COHORTS,
    EVENTS,
    SEGMENT_ASSIGNMENTS,
    SEGMENT_CHANGES,
    SEGMENT_PROFILES,
    SESSIONS,
    TRAIT_OBSERVATIONS,
    USER_FEATURES,
)

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

    from segmentation.tables import Table

READS = (
    EVENTS,
    SESSIONS,
    TRAIT_OBSERVATIONS,
    USER_FEATURES,
    COHORTS,
    SEGMENT_ASSIGNMENTS,
    SEGMENT_PROFILES,
    SEGMENT_CHANGES,
)
WRITES: tuple[Table, ...] = ()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare who is shown, and how much."""
    parser.add_argument(
        "--user", required=True, help="user_id as it stands in the tables; of sources with pseudonyms, that"
    )
    parser.add_argument("--events", type=int, default=20, help="newest events and sessions shown at most")


def run(ctx: Context) -> RunReport:
    """Show the person on stderr, and as `quality` of the result on stdout; never through the log.

    Raises:
        ConfigurationError: the person has no event before the cut, or --events is less than 1.
    """
    as_of, limit = ctx.as_of, ctx.options.get("events", 20)
    if limit < 1:
        raise ConfigurationError(f"--events {limit}: at least one is shown")
    customer = describe_person(
        PersonAtCut(ctx.lake, ctx.tracking, ctx.options["user"], as_of),
        rules=load_rules(ctx.conf_dir),
        profiles=load_profiles(ctx.conf_dir),
        time_zone=ctx.config.workspace.time_zone,
        limit=limit,
    )
    print(write_customer(customer), file=sys.stderr)  # noqa: T201  for who asked, not for the log
    return RunReport(as_of=as_of, quality=customer)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
