"""What can be predicted: one YAML file each in conf/targets, in the language of rule segments."""

from __future__ import annotations

from functools import reduce
from typing import TYPE_CHECKING, Any

from pydantic import Field, model_validator
from pyspark.sql import functions as F

from segmentation.errors import ConfigurationError, nearest
from segmentation.models.params import Costs
from segmentation.models.windows import Cuts, History, LabelWindow, choose_cuts, maturity_of, too_short
from segmentation.parameters import Declared, fingerprint_of, load_declared
from segmentation.segments import behaviours
from segmentation.segments.conditions import Condition
from segmentation.segments.rules import behaviours_of, check_features, declared_basis, holds, resolve_thresholds

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import date
    from pathlib import Path

    from pyspark.sql import DataFrame

    from segmentation.models.params import PropensityParams
    from segmentation.segments.behaviours.behaviour import Behaviour

FOLDER = "targets"


class Target(Declared):
    """What is predicted: one file in conf/targets."""

    description: str = ""
    """What it is, for people."""
    happens: Condition
    """What must come true in the label window, which is the target's: did, reached, session, path, combinations."""
    who: Condition | None = None
    """Who is asked about, at the cut: any condition of rule segments; not given: everybody."""
    horizon_days: int | None = Field(default=None, ge=1)
    """Days of the label window; not given: propensity.horizon_days."""
    gap_days: int | None = Field(default=None, ge=0)
    """Days between the cut and the window; not given: propensity.gap_days."""
    costs: Costs = Costs()
    """What wrong decisions cost; not given: both alike."""
    basis: str | None = Field(default=None, exclude=True)
    """Fingerprint of the funnels and states that the conditions rest on; set when the target is loaded."""

    @model_validator(mode="after")
    def _happens_in_the_window(self) -> Target:
        for part in _flattened(self.happens):
            if part.feature is not None:
                *others, last = (family.key for family in behaviours.FAMILIES if family.is_outcome)
                raise ValueError(
                    f"happens: feature {part.feature} is known at the cut, so it cannot come true after it: use "
                    f"{', '.join(others)} or {last} here, and feature in who"
                )
            if part.behaviour is not None and not part.behaviour.is_outcome:
                raise ValueError(f"happens: {part.behaviour.key} is known at the cut, so it belongs in who")
            if part.behaviour is not None and part.behaviour.within_days is not None:
                raise ValueError("happens: leave out within_days, the label window (horizon_days) is meant")
            if part.percentile is not None:
                raise ValueError("happens: a percentile is not known beforehand, give a value")
        return self

    @property
    def window(self) -> LabelWindow:
        """The label window of a loaded target."""
        return LabelWindow(self.gap_days or 0, self.horizon_days or 1)

    @property
    def version(self) -> str:
        """Fingerprint of what is predicted of whom and when; description and costs are no part of it."""
        shaping = self.model_dump(
            mode="json", by_alias=True, exclude_none=True, include={"happens", "who", "horizon_days", "gap_days"}
        )
        return fingerprint_of([shaping, self.basis])

    @property
    def asked_column(self) -> str:
        """Column that says whether a user is asked about."""
        return f"_asked_{self.name}"

    @property
    def outcomes(self) -> tuple[Behaviour, ...]:
        """What must be measured in the label window."""
        return behaviours_of(self.happens)


def load_targets(conf_dir: Path, *, params: PropensityParams) -> tuple[Target, ...]:
    """Read the targets that are to be predicted, sorted by name, with their windows filled in.

    Raises:
        ConfigurationError: a file is not a target or is not named like one, it asks for a funnel or step that does
            not exist, `propensity.targets` names one without a file, or there is none at all.
    """
    folder = conf_dir / FOLDER
    known = {target.name: target for target in load_declared(folder, Target)}
    wanted = sorted(known) if params.targets is None else sorted(set(params.targets))
    for name in wanted:
        if name not in known:
            raise ConfigurationError(f"propensity.targets: there is no {folder}/{name}.yaml{nearest(name, known)}")
    if not wanted:
        raise ConfigurationError(f"{folder} has no target: write {folder}/<name>.yaml, see docs/propensity.md")
    return tuple(_completed(known[name], conf_dir, params) for name in wanted)


def find_cuts(
    target: Target, *, as_of: date, history: History, allowed_lateness_days: int, params: PropensityParams
) -> Cuts | None:
    """Find the earlier cuts that a target is learnt from and measured at; None where the history is too short."""
    maturity = maturity_of(history, allowed_lateness_days=allowed_lateness_days, params=params)
    return choose_cuts(target.window, as_of=as_of, history=history, maturity_days=maturity, params=params)


def require_cuts(
    target: Target, *, as_of: date, history: History, allowed_lateness_days: int, params: PropensityParams
) -> Cuts:
    """Choose the earlier cuts that a target is learnt from and measured at.

    Raises:
        UntrainableError: the history is too short.
    """
    found = find_cuts(target, as_of=as_of, history=history, allowed_lateness_days=allowed_lateness_days, params=params)
    if found is None:
        maturity = maturity_of(history, allowed_lateness_days=allowed_lateness_days, params=params)
        raise too_short(target.name, target.window, as_of=as_of, history=history, maturity_days=maturity)
    return found


def list_training_cuts(
    targets: Sequence[Target], *, as_of: date, history: History, allowed_lateness_days: int, params: PropensityParams
) -> list[date]:
    """List the earlier cuts that any of the targets is learnt from or measured at, oldest first."""
    chosen = (
        find_cuts(target, as_of=as_of, history=history, allowed_lateness_days=allowed_lateness_days, params=params)
        for target in targets
    )
    return sorted({cut for cuts in chosen if cuts is not None for cut in cuts.all})


def mark_asked(
    user_features: DataFrame, *, targets: Sequence[Target], cut: date, behaviour: DataFrame | None = None
) -> DataFrame:
    """Tell of every user at a cut which targets ask about them.

    Grain: a row of `user_features` -> the same row of this cut with `Target.asked_column` for each target, never
    null. Percentiles are over all users at the cut. A null feature makes its comparison false.

    Args:
        user_features: of any cuts.
        targets: the targets.
        cut: day of the reporting zone, exclusive.
        behaviour: of `measure.measure_behaviour` at the cut; needed where a target's `who` asks for any.

    Raises:
        ConfigurationError: a target names a feature that does not exist or is no number.
    """
    asking = {target.name: target.who for target in targets if target.who is not None}
    check_features({f"{FOLDER}/{name}.yaml": who for name, who in asking.items()}, user_features)
    names = user_features.columns
    at_cut = user_features.where(F.col("as_of") == F.lit(cut))
    if behaviour is not None:
        measured = [name for name in behaviour.columns if name != "user_id"]
        at_cut = at_cut.join(behaviour, "user_id", "left").fillna(0, measured)
    at_cut, thresholds = resolve_thresholds(at_cut, [bound for who in asking.values() for bound in who.bounds()])
    flags = (F.lit(True) if t.who is None else holds(t.who, thresholds) for t in targets)
    return at_cut.select(*names, *(flag.alias(t.asked_column) for t, flag in zip(targets, flags, strict=True)))


def _completed(target: Target, conf_dir: Path, params: PropensityParams) -> Target:
    """Fill in what the configuration says of all targets: windows, funnels."""
    horizon = params.horizon_days if target.horizon_days is None else target.horizon_days
    filled = target.model_copy(
        update={
            "horizon_days": horizon,
            "gap_days": params.gap_days if target.gap_days is None else target.gap_days,
            "happens": _within(target.happens, horizon),
        }
    )
    conditions = [filled.happens] if filled.who is None else [filled.happens, filled.who]
    basis = declared_basis(behaviours_of(*conditions), file=f"{FOLDER}/{target.name}.yaml", conf_dir=conf_dir)
    return filled.model_copy(update={"basis": basis})


def _within(condition: Condition, within_days: int) -> Condition:
    """Fill the length of the window into all behaviours of a condition."""
    update: dict[str, Any] = {}
    for key in ("all_of", "any_of"):
        parts = getattr(condition, key)
        if parts is not None:
            update[key] = tuple(_within(part, within_days) for part in parts)
    if condition.negated is not None:
        update["negated"] = _within(condition.negated, within_days)
    if condition.behaviour is not None:
        update["behaviour"] = condition.behaviour.model_copy(update={"within_days": within_days})
    return condition.model_copy(update=update)


def _flattened(condition: Condition) -> list[Condition]:
    return reduce(lambda found, part: found + _flattened(part), condition.parts, [condition])
