"""Decide whether a new model version becomes champion, and describe the decision."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date, datetime, timezone
from typing import TYPE_CHECKING, Any

from segmentation.tables.model_decisions import KEPT, PROMOTED
from segmentation.tracking.cluster_trainings import AS_OF, has_structure, rule_behind
from segmentation.tracking.records import DECISION, EVIDENCE, REASON, Verdict
from segmentation.tracking.trainings import (
    CALIBRATED,
    CALIBRATION_METHOD,
    EVALUATION_CUT,
    TARGET_VERSION,
    features_of,
    has_features,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from segmentation.evaluation.comparison import Difference
    from segmentation.tracking.records import ModelVersion

Row = tuple[Any, ...]


def decide_on_clusters(
    model: ModelVersion,
    champion: ModelVersion | None,
    *,
    cut: date,
    known: Collection[str],
    compare: Callable[[ModelVersion], Difference | None],
) -> Verdict:
    """Decide whether a new cluster model becomes champion.

    A model without cluster structure becomes champion only if there is none: segments in use stay in use.

    Args:
        model: the new version.
        champion: the version in use; None: there is none.
        cut: the cut of the new version.
        known: columns of `user_features`.
        compare: measures the new version against the champion on the users at the cut, each in its own scaled space;
            None if either puts all users into one segment. Called only if the measurement decides.
    """
    if champion is None:
        return crown("there was no champion") if has_structure(model) else _without_structure(model, None)
    if champion.version == model.version:
        return settled_before(model)
    if champion.tags[AS_OF] > str(cut):
        return outdated(champion.version, since=champion.tags[AS_OF], cut=str(cut))
    if not has_structure(model):
        return _without_structure(model, champion.version)
    difference, hindrance = None, "puts all users into one segment"
    if has_features(champion, known):
        difference = compare(champion)
    else:
        hindrance = "cannot be compared: user_features has not all of its features any more"
    if difference is None:
        return crown(f"champion {champion.version} {hindrance}", champion.version)
    return judge_refit(difference, champion=champion.version)


def decide_on_propensity(
    model: ModelVersion,
    champion: ModelVersion | None,
    *,
    target: str,
    target_version: str,
    cut: date,
    known: Collection[str],
    compare: Callable[[ModelVersion], Difference],
) -> Verdict:
    """Decide whether a new propensity model becomes champion.

    Args:
        model: the new version.
        champion: the version in use; None: there is none.
        target: name of the target.
        target_version: fingerprint of the target as it is now.
        cut: the evaluation cut of the new version.
        known: columns of `user_features`.
        compare: measures the new version against the champion on the measuring half of the evaluation cut. Called only
            if the measurement decides.
    """
    if champion is None:
        return crown("there was no champion")
    if champion.version == model.version:
        return settled_before(model)
    since = champion.tags.get(EVALUATION_CUT, "")
    if since > str(cut):
        return outdated(champion.version, since=since, cut=str(cut))
    hindrance = name_hindrance(champion, target=target, target_version=target_version, known=known)
    if hindrance:
        return crown(f"champion {champion.version} cannot be compared: {hindrance}", champion.version)
    return judge_challenger(
        compare(champion), is_calibrated=model.tags[CALIBRATED] == "true", champion=champion.version
    )


def name_hindrance(champion: ModelVersion, *, target: str, target_version: str, known: Collection[str]) -> str:
    """Say why a champion cannot be measured on the users of today; empty if it can."""
    if CALIBRATION_METHOD not in champion.tags:
        return "it was trained by an earlier release"
    if champion.tags.get(TARGET_VERSION) != target_version:
        return f"conf/targets/{target}.yaml has changed since it was trained"
    missing = sorted(set(features_of(champion)) - set(known))
    return f"user_features has no {', '.join(missing)} any more" if missing else ""


def crown(why: str, champion: str | None = None) -> Verdict:
    """Decide for a challenger that has no champion to be compared with, or one that cannot be."""
    return Verdict(promoted=True, reason=why, evidence={"champion_before": champion})


def outdated(champion: str, *, since: str, cut: str) -> Verdict:
    """Decide for a challenger of an earlier cut than the champion's: it does not replace what is newer.

    Args:
        champion: the champion's version.
        since: the cut that the champion was judged at.
        cut: the challenger's.
    """
    reason = f"of an earlier cut ({cut}) than champion {champion} ({since})"
    return Verdict(promoted=False, reason=reason, evidence={"champion_before": champion})


def settled_before(model: ModelVersion) -> Verdict:
    """Return the verdict on a version that is champion already: a run broke off before it was written down."""
    return Verdict(promoted=True, reason=model.tags[REASON], evidence=json.loads(model.tags[EVIDENCE]))


def judge_challenger(difference: Difference, *, is_calibrated: bool, champion: str) -> Verdict:
    """Decide between a challenger and the champion, which were measured on the same later users.

    The challenger must be better beyond the interval of the difference, and calibrated: one that is only as good
    changes the scores of all users for nothing.

    Args:
        difference: how much better the challenger is.
        is_calibrated: whether its probabilities mean what they say.
        champion: the champion's version.
    """
    evidence = {**asdict(difference), "champion_before": champion, "is_calibrated": is_calibrated}
    against = f"{difference}, against champion {champion} on the same later users"
    if not difference.is_ahead:
        return Verdict(promoted=False, reason=f"not better beyond chance: {against}", evidence=evidence)
    if not is_calibrated:
        return Verdict(promoted=False, reason=f"better, but not calibrated: {against}", evidence=evidence)
    return Verdict(promoted=True, reason=against, evidence=evidence)


def judge_refit(difference: Difference, *, champion: str) -> Verdict:
    """Decide between a refitted cluster model and the champion, measured on the same users: as good is good enough.

    Segments age, and those that are kept keep their names; the interval stands beside the decision.

    Args:
        difference: how much better the refit is.
        champion: the champion's version.
    """
    return Verdict(
        promoted=difference.value >= 0,
        reason=f"{difference}, against champion {champion} on the same users, each model in its own space",
        evidence={**asdict(difference), "champion_before": champion},
    )


def _without_structure(model: ModelVersion, champion: str | None) -> Verdict:
    kept = "all users are one segment" if champion is None else f"the segments of version {champion} stay in use"
    reason = f"no candidate kept to the rule ({rule_behind(model)}): {kept}"
    return Verdict(promoted=champion is None, reason=reason, evidence={"champion_before": champion})


def is_noted(model: ModelVersion) -> bool:
    """Tell whether a settled version says which champion it was held against; those of earlier releases may not."""
    return "champion_before" in json.loads(model.tags.get(EVIDENCE, "{}"))


def decision_row(model: ModelVersion, *, kind: str, number: int, as_of: date, run_id: str) -> Row:
    """Return the row of `model_decisions` for a version that is settled, from its tags."""
    evidence = json.loads(model.tags.get(EVIDENCE, "{}"))
    promoted = model.tags[DECISION] == PROMOTED
    before = evidence.get("champion_before")
    compared = tuple(evidence.get(name) for name in ("metric", "value", "lower", "upper"))
    after = model.version if promoted else before
    return (
        kind, number, PROMOTED if promoted else KEPT, model.version, before, after, as_of, _now(), *compared,
        model.tags[REASON], run_id,
    )  # fmt: skip


def rollback_row(  # noqa: PLR0913  the columns that differ
    kind: str, *, number: int, before: str, after: str, as_of: date, reason: str, run_id: str, decision: str
) -> Row:
    """Return the row of `model_decisions` for a champion that was rolled back."""
    nothing = (None, None, None, None)
    return (kind, number, decision, before, before, after, as_of, _now(), *nothing, reason, run_id)


def _now() -> datetime:
    return datetime.now(timezone.utc)
