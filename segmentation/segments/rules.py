"""Rule segments: one YAML file each in conf/segments, compiled to column expressions."""

from __future__ import annotations

import operator
from functools import reduce
from typing import TYPE_CHECKING, Literal

import yaml
from pydantic import Field, ValidationError, model_validator
from pyspark.sql import functions as F
from pyspark.sql.types import ArrayType, BooleanType, NumericType, StructField, StructType

from segmentation.errors import ConfigurationError, nearest
from segmentation.frames import conform
from segmentation.parameters import Parameters, describe_problem, fingerprint_of, parse_yaml
from segmentation.segments.behaviours.behaviour import Behaviour
from segmentation.segments.conditions import Bound, Condition
from segmentation.tables import COHORTS

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
USER, ACCOUNT = "user", "account"
"""Units of rules."""
VERDICT = StructType(
    [StructField("member", BooleanType()), *(f for f in COHORTS.schema if f.name not in {"user_id", "as_of"})]
)


class Rule(Parameters):
    """A segment by rule."""

    name: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    """Name of the segment and of its file."""
    description: str
    """What the segment is, for people."""
    when: Condition
    """Who is in it."""
    unit: Literal["user", "account"] = "user"
    """Whether users or accounts are its members."""
    basis: str | None = Field(default=None, exclude=True)
    """Fingerprint of the funnels and states that the conditions rest on; set when the rule is loaded."""

    @model_validator(mode="after")
    def _measurable(self) -> Rule:
        found = {one.key for one in self.behaviours if not one.is_of_accounts}
        if self.unit == ACCOUNT and found:
            raise ValueError(f"{' and '.join(sorted(found))} asks about persons: leave it out of a rule on accounts")
        return self

    @property
    def version(self) -> str:
        """Fingerprint of the definition; the description is no part of it."""
        when = self.when.model_dump(mode="json", by_alias=True, exclude_none=True)
        parts = [when, *([] if self.basis is None else [self.basis]), *([self.unit] if self.unit == ACCOUNT else [])]
        return fingerprint_of(when if len(parts) == 1 else parts)

    @property
    def behaviours(self) -> tuple[Behaviour, ...]:
        """What the conditions ask of a user's events, each once."""
        return behaviours_of(self.when)


def load_rules(conf_dir: Path, unit: str = USER) -> tuple[Rule, ...]:
    """Read the rules of a configuration folder whose members are users, or accounts; sorted by name.

    A folder without `segments` has none.

    Raises:
        ConfigurationError: a file is not YAML, not a rule, or not named like its rule; or it asks for a funnel or a
            step that does not exist.
    """
    rules = tuple(_load_rule(path) for path in sorted((conf_dir / FOLDER).glob("*.yaml")))
    return tuple(_with_basis(rule, conf_dir) for rule in rules if rule.unit == unit)


def load_rule(path: Path, conf_dir: Path) -> Rule:
    """Read a rule from a file of any name, with the funnels of a configuration folder.

    Raises:
        ConfigurationError: there is no such file, its members are accounts, or as for :func:`load_rules`.
    """
    if not path.is_file():
        raise ConfigurationError(f"{path} does not exist")
    rule = _read_rule(path)
    if rule.unit == ACCOUNT:
        raise ConfigurationError(f"{path}: rules on accounts cannot be compared yet: leave out unit")
    return _with_basis(rule, conf_dir)


def _load_rule(path: Path) -> Rule:
    rule = _read_rule(path)
    if rule.name != path.stem:
        raise ConfigurationError(f"{path}: the rule is named '{rule.name}': name the file {rule.name}.yaml")
    return rule


def _read_rule(path: Path) -> Rule:
    try:
        return Rule.model_validate(parse_yaml(path.read_text(encoding="utf-8")))
    except yaml.YAMLError as error:
        raise ConfigurationError(f"{path} is not valid YAML: {error}") from error
    except ValidationError as error:
        raise ConfigurationError(f"{path}: " + "; ".join(_problems(error))) from error


def _with_basis(rule: Rule, conf_dir: Path) -> Rule:
    """Check the funnels that a rule asks for, and make them part of its version."""
    basis = declared_basis(rule.behaviours, file=f"{FOLDER}/{rule.name}.yaml", conf_dir=conf_dir)
    return rule if basis is None else rule.model_copy(update={"basis": basis})


def behaviours_of(*conditions: Condition) -> tuple[Behaviour, ...]:
    """Return what conditions ask of a user's events, each once."""
    subjects = dict.fromkeys(bound.subject for condition in conditions for bound in condition.bounds())
    return tuple(subject for subject in subjects if not isinstance(subject, str))


def declared_basis(behaviours: Sequence[Behaviour], *, file: str, conf_dir: Path) -> str | None:
    """Fingerprint the declarations (funnels, states) that behaviours depend on; None if they depend on none.

    Raises:
        ConfigurationError: a declaration does not exist; names the file and the nearest.
    """
    found: dict[str, str] = {}
    for one in behaviours:
        found |= one.find_declarations(conf_dir, file=file)
    ordered = sorted(found, key=lambda name: (name.count("/"), name))  # files of the folder itself, then of those below
    return fingerprint_of([found[name] for name in ordered]) if found else None


def _problems(error: ValidationError) -> Iterator[str]:
    for problem in error.errors():
        is_op = problem["type"] != "extra_forbidden" and problem["loc"][-1:] == ("op",)
        quoted = ' (in YAML it must stand in quotes, as in op: ">")' if is_op else ""
        yield describe_problem(Rule, problem) + quoted


def build_cohorts(
    user_features: DataFrame, *, rules: Sequence[Rule], as_of: date, behaviour: DataFrame | None = None
) -> DataFrame:
    """Apply all rules to the users at a cut in one pass.

    Grain: a user at a cut -> a user in a rule segment at this cut. A user may be in several segments or none.
    Percentiles are exact (Spark's `percentile`, linear interpolation) over the users at the cut whose feature
    is known, all in one aggregation; where nobody's is known the comparison is false. A null feature makes
    its comparison false; what a user never did is 0. `evidence` holds the values of all features and behaviours that
    the rule names, `thresholds` the numbers in force by comparison.

    Args:
        user_features: rows of `user_features`, of any cuts.
        rules: the segments.
        as_of: the cut.
        behaviour: of `measure.measure_behaviour` at the cut; needed where a rule asks for any.

    Raises:
        ConfigurationError: a rule names a feature that does not exist or is no number.
    """
    check_features({f"{FOLDER}/{rule.name}.yaml": rule.when for rule in rules}, user_features)
    at_cut = _with_behaviour(user_features.where(F.col("as_of") == F.lit(as_of)), behaviour)
    at_cut, thresholds = resolve_thresholds(at_cut, [bound for rule in rules for bound in rule.when.bounds()])
    verdicts = F.array(*(_verdict(rule, thresholds) for rule in rules)).cast(ArrayType(VERDICT))
    members = F.explode(F.filter(verdicts, lambda verdict: verdict["member"])).alias("verdict")
    return conform(at_cut.select("user_id", "as_of", members).select("user_id", "as_of", "verdict.*"), COHORTS)


def count_members(cohorts: DataFrame, rules: Sequence[Rule]) -> dict[str, int]:
    """Count the members of each rule at a cut, whose rows of cohorts are given."""
    counts = {row["rule"]: row["count"] for row in cohorts.groupBy("rule").count().collect()}  # a row per rule
    return {rule.name: counts.get(rule.name, 0) for rule in rules}


def note_idle_percentiles(
    user_features: DataFrame, *, rules: Sequence[Rule], as_of: date, behaviour: DataFrame | None = None
) -> list[str]:
    """Say which comparisons with a percentile hold for every user at the cut whose value is known.

    This happens if many users share the value of the percentile: half of all users have one session, say, and the rule
    asks for the median or more. Arguments are those of :func:`build_cohorts`.
    """
    bounds = {(rule.name, bound): bound for rule in rules for bound in rule.when.bounds() if bound.is_percentile}
    if not bounds:
        return []
    at_cut = _with_behaviour(user_features.where(F.col("as_of") == F.lit(as_of)), behaviour)
    resolved, thresholds = resolve_thresholds(at_cut, list(bounds.values()))
    counts = []
    for place, bound in enumerate(bounds.values()):
        value, limit = _number(_column(bound.subject)), thresholds[bound]
        counts += [
            F.count(value).alias(f"known_{place}"),
            F.count_if(COMPARISONS[bound.op](value, limit)).alias(f"passing_{place}"),
            F.first(limit).alias(f"limit_{place}"),
        ]
    row = resolved.agg(*counts).collect()[0]
    return [
        f"rule '{name}': all {row[f'known_{place}']} users with a known value pass {bound.label}, which is "
        f"{row[f'limit_{place}']:g}; choose another percentile, or a value"
        for place, (name, bound) in enumerate(bounds)
        if row[f"known_{place}"] and row[f"known_{place}"] == row[f"passing_{place}"]
    ]


def _with_behaviour(at_cut: DataFrame, behaviour: DataFrame | None) -> DataFrame:
    if behaviour is None:
        return at_cut
    measured = [name for name in behaviour.columns if name != "user_id"]
    return at_cut.join(behaviour, "user_id", "left").fillna(0, measured)


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


def check_features(conditions: Mapping[str, Condition], user_features: DataFrame) -> None:
    """Check that every feature that conditions compare exists and is a number.

    Args:
        conditions: file -> condition.
        user_features: the table.

    Raises:
        ConfigurationError: one does not; names the file and the nearest.
    """
    known = [field.name for field in user_features.schema if isinstance(field.dataType, NumericType)]
    for file, condition in conditions.items():
        for bound in condition.bounds():
            if isinstance(bound.subject, str) and bound.subject not in known:
                raise ConfigurationError(
                    f"{file}: there is no feature '{bound.subject}'"
                    f"{nearest(bound.subject, known)}; docs/features.md lists them"
                )


def resolve_thresholds(at_cut: DataFrame, bounds: Sequence[Bound]) -> tuple[DataFrame, Mapping[Bound, Column]]:
    """Resolve the thresholds of all bounds: literals, and columns of one row that is joined to every user."""
    wanted = sorted({(_column(b.subject), b.number) for b in bounds if b.is_percentile})
    names = {pair: f"_percentile_{i}" for i, pair in enumerate(wanted)}
    thresholds = {b: F.col(names[_column(b.subject), b.number]) if b.is_percentile else F.lit(b.number) for b in bounds}
    if not wanted:
        return at_cut, thresholds
    exact = [F.percentile(_number(column), F.lit(number / 100)).alias(name) for (column, number), name in names.items()]
    return at_cut.crossJoin(F.broadcast(at_cut.agg(*exact))), thresholds


def _verdict(rule: Rule, thresholds: Mapping[Bound, Column]) -> Column:
    bounds = {bound.label: bound for bound in rule.when.bounds()}
    columns = {str(bound.subject): _column(bound.subject) for bound in bounds.values()}
    evidence = F.create_map(
        *(part for name, column in sorted(columns.items()) for part in (F.lit(name), _number(column)))
    )
    limits = F.create_map(*(part for k, b in sorted(bounds.items()) for part in (F.lit(k), thresholds[b])))
    return F.struct(
        holds(rule.when, thresholds).alias("member"),
        F.lit(rule.name).alias("rule"),
        F.lit(rule.version).alias("rule_version"),
        F.map_filter(evidence, lambda _, value: value.isNotNull()).alias("evidence"),
        limits.alias("thresholds"),
    )


def holds(condition: Condition, thresholds: Mapping[Bound, Column]) -> Column:
    """Compile a condition; never null."""
    if condition.negated is not None:
        return ~holds(condition.negated, thresholds)
    if condition.any_of is not None:
        return reduce(operator.or_, (holds(part, thresholds) for part in condition.any_of))
    if condition.all_of is not None:
        return reduce(operator.and_, (holds(part, thresholds) for part in condition.all_of))
    compared = (COMPARISONS[b.op](_number(_column(b.subject)), thresholds[b]) for b in condition.own_bounds)
    return F.coalesce(reduce(operator.and_, compared), F.lit(False))


def _column(subject: str | Behaviour) -> str:
    return subject if isinstance(subject, str) else subject.column


def _number(column: str) -> Column:
    return F.col(column).cast("double")
