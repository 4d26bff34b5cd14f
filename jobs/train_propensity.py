"""Train a propensity model per target on earlier cuts, measure it on a later one, register and judge it."""

from __future__ import annotations

import json
import sys
from typing import TYPE_CHECKING, Any

from segmentation.errors import UntrainableError
from segmentation.models.inputs import check_known
from segmentation.models.rows import learnt_features
from segmentation.runtime.asking import read_inputs
from segmentation.runtime.context import Context, RunReport
from segmentation.runtime.decisions import write_decisions
from segmentation.runtime.main import run_job
from segmentation.runtime.propensity_training import hold_features, train_target
from segmentation.segments.targets import load_targets
from segmentation.tables import (
    EVENTS,
    INPUT_UNITS,
    MODEL_DECISIONS,
    SESSIONS,
    TRAIT_OBSERVATIONS,
    USER_DAYS,
    USER_FEATURES,
)
from segmentation.tracking.trainings import REMARKS, propensity_kind, summarise_training

if TYPE_CHECKING:
    import argparse
    from collections.abc import Sequence

READS = (INPUT_UNITS, EVENTS, TRAIT_OBSERVATIONS, SESSIONS, USER_DAYS, USER_FEATURES, MODEL_DECISIONS)
WRITES = (MODEL_DECISIONS,)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The job has no options of its own."""


def run(ctx: Context) -> RunReport:
    """Train, register and judge each target; the same events, features, parameters and code make no second version.

    A target that cannot be learnt from these data is left out with a note, and keeps the champion that it has.

    Raises:
        UntrainableError: no target can be learnt: the history is too short, or labels hold one class only.
        ConfigurationError: a target is wrong, a table is missing, or `user_features` lacks a cut or a feature.
    """
    config = ctx.config
    targets = load_targets(ctx.conf_dir, params=config.propensity)
    inputs = hold_features(ctx, read_inputs(ctx), targets)
    check_known(inputs.features, features=learnt_features(config.propensity))
    models, quality, notes = {}, dict[str, Any](), list[str]()
    failure: UntrainableError | None = None
    for target in targets:
        try:
            model, cuts, is_new = train_target(ctx, inputs, target)
        except UntrainableError as error:
            notes.append(f"{target.name}: no model: {error}")
            failure = failure or error
            continue
        models[propensity_kind(target.name)] = model
        quality[target.name] = summarise_training(model, cuts, trained=is_new)
        notes += [f"{target.name}: {remark}" for remark in json.loads(model.tags[REMARKS])]
        if not is_new:
            notes.append(f"{target.name}: nothing changed since version {model.version} was trained: it is kept")
    if failure is not None and not models:
        raise failure
    write_decisions(ctx, models)
    return RunReport(as_of=ctx.as_of, quality=quality, notes=notes)


def main(argv: Sequence[str] | None = None) -> int:
    """Run from the command line."""
    return run_job(sys.modules[__name__], argv)


if __name__ == "__main__":
    sys.exit(main())
