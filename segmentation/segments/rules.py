"""Rule segments: one YAML file each in conf/segments, compiled to column expressions."""

from __future__ import annotations

import operator
from dataclasses import dataclass
from functools import reduce
from typing import TYPE_CHECKING, Literal

import yaml
from pydantic import ConfigDict, Field, FiniteFloat, ValidationError, model_validator
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BooleanType, NumericType, StructField, StructType

from segmentation.errors import ConfigurationError, nearest
from segmentation.frames import conform
from segmentation.parameters import Parameters, fingerprint_of, parse_yaml
from segmentation.tables.cohorts import COHORTS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from pyspark.sql import Column, DataFrame

FOLDER = "segments"
SEGMENTATION = "rule:"
"""What stands before a rule's name where its segmentation is named."""
COMPARISONS = {
    ">": operator.gt,
    ">=": operator.ge,
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
}
VERDICT = StructType(
    [StructField("member", BooleanType()), *(f for f in COHORTS.schema if f.name not in {"user_id", "as_of"})]
)


@dataclass(frozen=True)
class Bound:
    """One comparison of a feature with a number, or with a percentile over all users at the cut."""

    feature: str
    op: str
    number: float
    is_percentile: bool

    @property
    def label(self) -> str:
        """The comparison in words: the key of the resolved threshold."""
        return f"{self.feature} {self.op} {'percentile ' if self.is_percentile else ''}{self.number:g}"


class Condition(Parameters):
    """A comparison of one feature (feature, op, value or percentile), or a combination (all, any, not).

    A feature that is null makes its comparison false, so `not` of that comparison is true: combine it with a
    condition that the feature is known where that matters.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    feature: str | None = None
    """Column of `user_features`."""
    op: Literal[">", ">=", "<", "<=", "==", "between"] | None = None
    """Comparison; `between` includes both ends."""
    value: FiniteFloat | tuple[FiniteFloat, FiniteFloat] | None = None
    """Threshold in the feature's unit; two for `between`."""
    percentile: float | tuple[float, float] | None = None
    """Threshold as an exact percentile (0 to 100) of the known values of all users at the cut."""
    all_of: tuple[Condition, ...] | None = Field(default=None, alias="all", min_length=1)
    any_of: tuple[Condition, ...] | None = Field(default=None, alias="any", min_length=1)
    negated: Condition | None = Field(default=None, alias="not")

    @model_validator(mode="after")
    def _is_one_thing(self) -> Condition:
        if sum(part is not None for part in (self.feature, self.all_of, self.any_of, self.negated)) != 1:
            raise ValueError("a condition has exactly one of feature, all, any, not")
        comparison = (self.op, self.value, self.percentile)
        if self.feature is None:
            if any(part is not None for part in comparison):
                raise ValueError("op, value and percentile go with feature")
            return self
        if self.op is None or (self.value is None) == (self.percentile is None):
            raise ValueError(f"the condition on {self.feature} needs op, and either value or percentile")
        self._check_numbers()
        return self

    def _check_numbers(self) -> None:
        if (self.op == "between") != (len(self.numbers) == 2):  # noqa: PLR2004  both ends
            raise ValueError(f"the condition on {self.feature}: between takes [low, high], other ops one number")
        if list(self.numbers) != sorted(self.numbers):
            raise ValueError(f"the condition on {self.feature}: between takes [low, high] in this order")
        if self.percentile is not None and not all(0 <= number <= 100 for number in self.numbers):  # noqa: PLR2004
            raise ValueError(f"the condition on {self.feature}: a percentile lies between 0 and 100")

    @property
    def numbers(self) -> tuple[float, ...]:
        """The thresholds as written."""
        given = self.value if self.value is not None else self.percentile
        if given is None:
            return ()
        return given if isinstance(given, tuple) else (given,)

    @property
    def parts(self) -> tuple[Condition, ...]:
        """The conditions that this one combines."""
        return (*(self.all_of or ()), *(self.any_of or ()), *((self.negated,) if self.negated else ()))

    @property
    def own_bounds(self) -> tuple[Bound, ...]:
        """The comparisons of this condition itself: two for `between`."""
        if self.feature is None or self.op is None:
            return ()
        ops = (">=", "<=") if self.op == "between" else (self.op,)
        pairs = zip(ops, self.numbers, strict=True)
        return tuple(Bound(self.feature, op, number, self.percentile is not None) for op, number in pairs)

    def bounds(self) -> Iterator[Bound]:
        """All comparisons below this condition."""
        yield from self.own_bounds
        for part in self.parts:
            yield from part.bounds()


class Rule(Parameters):
    """A segment by rule."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """Name of the segment and of its file."""
    description: str
    """What the segment is, for people."""
    when: Condition
    """Who is in it."""

    @property
    def version(self) -> str:
        """Fingerprint of the definition; the description is no part of it."""
        return fingerprint_of(self.when.model_dump(mode="json", by_alias=True, exclude_none=True))


def load_rules(conf_dir: Path) -> tuple[Rule, ...]:
    """Read all rules of a configuration folder, sorted by name; a folder without `segments` has none.

    Raises:
        ConfigurationError: a file is not YAML, not a rule, or not named like its rule.
    """
    return tuple(_load_rule(path) for path in sorted((conf_dir / FOLDER).glob("*.yaml")))


def _load_rule(path: Path) -> Rule:
    try:
        rule = Rule.model_validate(parse_yaml(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path} is not valid YAML: {error}") from error
    except ValidationError as error:
        raise ConfigurationError(f"{path}: " + "; ".join(_problems(error))) from error
    if rule.name != path.stem:
        raise ConfigurationError(f"{path}: the rule is named '{rule.name}': name the file {rule.name}.yaml")
    return rule


def _problems(error: ValidationError) -> Iterator[str]:
    keys = {*Rule.model_fields, *(f.alias or name for name, f in Condition.model_fields.items())}
    for problem in error.errors():
        key = ".".join(map(str, problem["loc"]))
        if problem["type"] == "extra_forbidden":
            yield f"unknown key '{key}'{nearest(str(problem['loc'][-1]), keys)}"
        else:
            quoted = ' (in YAML it must stand in quotes, as in op: ">")' if problem["loc"][-1:] == ("op",) else ""
            yield f"{key}: {problem['msg']}{quoted}" if key else problem["msg"]


def build_cohorts(user_features: DataFrame, *, rules: Sequence[Rule], as_of: date) -> DataFrame:
    """Apply all rules to the users at a cut in one pass.

    Grain: a user at a cut -> a user in a rule segment at this cut. A user may be in several segments or none.
    Percentiles are exact (Spark's `percentile`, linear interpolation) over the users at the cut whose feature
    is known, all in one aggregation; where nobody's is known the comparison is false. A null feature makes
    its comparison false. `evidence` holds the values of all features that the rule names, `thresholds` the
    numbers in force by comparison.

    Args:
        user_features: rows of `user_features`, of any cuts.
        rules: the segments.
        as_of: the cut.

    Raises:
        ConfigurationError: a rule names a feature that does not exist or is no number.
    """
    _check_features(rules, user_features)
    at_cut = user_features.where(F.col("as_of") == F.lit(as_of))
    at_cut, thresholds = _with_percentiles(at_cut, [bound for rule in rules for bound in rule.when.bounds()])
    verdicts = F.array(*(_verdict(rule, thresholds) for rule in rules)).cast(ArrayType(VERDICT))
    members = F.explode(F.filter(verdicts, lambda verdict: verdict["member"])).alias("verdict")
    return conform(at_cut.select("user_id", "as_of", members).select("user_id", "as_of", "verdict.*"), COHORTS)


def view_memberships(cohorts: DataFrame) -> DataFrame:
    """Return cohorts in the shape that changes are computed from.

    Grain: a user in a rule segment -> a membership (segmentation, user_id, segment_id, version, evidence).
    """
    return cohorts.select(
        F.concat(F.lit(SEGMENTATION), "rule").alias("segmentation"),
        "user_id",
        F.col("rule").alias("segment_id"),
        F.col("rule_version").alias("version"),
        F.to_json(F.struct("evidence", "thresholds")).alias("evidence"),
    )


def _check_features(rules: Sequence[Rule], user_features: DataFrame) -> None:
    known = [field.name for field in user_features.schema if isinstance(field.dataType, NumericType)]
    for rule in rules:
        for bound in rule.when.bounds():
            if bound.feature not in known:
                raise ConfigurationError(
                    f"{FOLDER}/{rule.name}.yaml: there is no feature '{bound.feature}'"
                    f"{nearest(bound.feature, known)}; docs/features.md lists them"
                )


def _with_percentiles(at_cut: DataFrame, bounds: Sequence[Bound]) -> tuple[DataFrame, Mapping[Bound, Column]]:
    """Resolve the thresholds of all bounds: literals, and columns of one row that is joined to every user."""
    wanted = sorted({(b.feature, b.number) for b in bounds if b.is_percentile})
    names = {pair: f"_percentile_{i}" for i, pair in enumerate(wanted)}
    thresholds = {b: F.col(names[b.feature, b.number]) if b.is_percentile else F.lit(b.number) for b in bounds}
    if not wanted:
        return at_cut, thresholds
    exact = [
        F.percentile(_number(feature), F.lit(number / 100)).alias(name) for (feature, number), name in names.items()
    ]
    return at_cut.crossJoin(F.broadcast(at_cut.agg(*exact))), thresholds


def _verdict(rule: Rule, thresholds: Mapping[Bound, Column]) -> Column:
    bounds = {bound.label: bound for bound in rule.when.bounds()}
    features = sorted({bound.feature for bound in bounds.values()})
    evidence = F.create_map(*(part for name in features for part in (F.lit(name), _number(name))))
    limits = F.create_map(*(part for k, b in sorted(bounds.items()) for part in (F.lit(k), thresholds[b])))
    return F.struct(
        _holds(rule.when, thresholds).alias("member"),
        F.lit(rule.name).alias("rule"),
        F.lit(rule.version).alias("rule_version"),
        F.map_filter(evidence, lambda _, value: value.isNotNull()).alias("evidence"),
        limits.alias("thresholds"),
    )


def _holds(condition: Condition, thresholds: Mapping[Bound, Column]) -> Column:
    """Compile a condition; never null."""
    if condition.negated is not None:
        return ~_holds(condition.negated, thresholds)
    if condition.any_of is not None:
        return reduce(operator.or_, (_holds(part, thresholds) for part in condition.any_of))
    if condition.all_of is not None:
        return reduce(operator.and_, (_holds(part, thresholds) for part in condition.all_of))
    compared = (COMPARISONS[b.op](_number(b.feature), thresholds[b]) for b in condition.own_bounds)
    return F.coalesce(reduce(operator.and_, compared), F.lit(False))


def _number(feature: str) -> Column:
    return F.col(feature).cast("double")
