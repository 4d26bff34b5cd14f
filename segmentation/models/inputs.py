"""Read the rows of `user_features` at one cut on which models are trained or that they score."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation import __version__
from segmentation.errors import ConfigurationError, DataError, nearest
from segmentation.parameters import fingerprint_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date

    from pyspark.sql import DataFrame

    from segmentation.parameters import Parameters


@dataclass(frozen=True)
class FeatureRange:
    """A feature that can be learnt from, with the bounds it is clipped to."""

    name: str
    lower: float
    upper: float
    has_nulls: bool


def select_cut(user_features: DataFrame, *, as_of: date, features: Sequence[str]) -> DataFrame:
    """Select the named features of every user at a cut, as doubles.

    Grain: a user at a cut -> a user. Nulls stay null.

    Raises:
        ConfigurationError: a feature is not a column of the table; names the nearest one.
    """
    check_known(user_features, features=features)
    values = [F.col(name).cast("double").alias(name) for name in features]
    return user_features.where(F.col("as_of") == F.lit(as_of)).select("user_id", *values)


def select_cuts(user_features: DataFrame, *, cuts: Sequence[date], features: Sequence[str]) -> DataFrame:
    """Select the named features of every user at several cuts, as doubles.

    Grain: a user at a cut -> the same, with `user_id` and `as_of`. Nulls stay null.
    """
    values = [F.col(name).cast("double").alias(name) for name in features]
    return user_features.where(F.col("as_of").isin(*cuts)).select("user_id", "as_of", *values)


def check_known(user_features: DataFrame, *, features: Sequence[str]) -> None:
    """Check that features are columns of the table.

    Raises:
        ConfigurationError: one is not; names the nearest.
    """
    missing = [name for name in features if name not in user_features.columns]
    if missing:
        named = ", ".join(f"'{name}'{nearest(name, user_features.columns)}" for name in missing)
        raise ConfigurationError(f"user_features has no feature {named}: see `features` of the model's parameters")


def feature_set_at(user_features: DataFrame, *, as_of: date) -> str:
    """Return the version of the features at a cut.

    Raises:
        ConfigurationError: the table has no such cut; names the command that builds it.
    """
    row = user_features.where(F.col("as_of") == F.lit(as_of)).select("feature_set_version").first()
    if row is None:
        raise ConfigurationError(
            f"user_features has no cut {as_of}: run jobs/build_features.py with the same --as-of first"
        )
    return str(row["feature_set_version"])


def feature_sets_at(user_features: DataFrame, *, cuts: Sequence[date]) -> dict[date, str]:
    """Return the version of the features at several cuts.

    Raises:
        ConfigurationError: the table lacks one of them; names the command that builds it.
    """
    at_cuts = user_features.where(F.col("as_of").isin(*cuts)).groupBy("as_of")
    found: dict[date, str] = dict(at_cuts.agg(F.max("feature_set_version")).collect())
    for cut in cuts:
        if cut not in found:
            raise ConfigurationError(
                f"user_features has no cut {cut}: run jobs/build_features.py with the same --as-of first"
            )
    return found


def arrange(df: DataFrame, *, partitions: int, by: Sequence[str] = ("user_id",)) -> DataFrame:
    """Give rows a place that depends on nothing but their key: floating-point sums then add up in one order.

    Users are spread by hash over a fixed number of partitions and sorted within each; sampling range borders
    would place them differently from run to run.
    """
    return df.repartition(partitions, "user_id").sortWithinPartitions(*by)


def measure_features(
    df: DataFrame, *, features: Sequence[str], clip_lower: float = 0.0, clip_upper: float = 1.0
) -> tuple[tuple[FeatureRange, ...], dict[str, str]]:
    """Find the clipping bounds of each feature and set aside those that tell users nothing apart.

    Args:
        df: rows with the features as doubles.
        features: their names.
        clip_lower: exact percentile (linear interpolation) taken as lower bound, nulls left out.
        clip_upper: exact percentile taken as upper bound.

    Returns:
        The features to train on, and name -> reason of those left out.

    Raises:
        DataError: no feature is left.
    """
    bounds = F.array(F.lit(clip_lower), F.lit(clip_upper))
    measures = [F.struct(F.percentile(name, bounds), F.count(name)).alias(name) for name in features]
    row = df.agg(F.count(F.lit(1)).alias("_rows"), *measures).collect()[0]
    kept, left_out = [], {}
    for name in features:
        percentiles, known = row[name]
        if not known:
            left_out[name] = "null throughout"
        elif percentiles[0] == percentiles[1]:
            left_out[name] = f"constant ({percentiles[0]:g}) within the clipping percentiles"
        else:
            kept.append(FeatureRange(name, percentiles[0], percentiles[1], known < row["_rows"]))
    if not kept:
        raise DataError("no feature tells the users apart: " + "; ".join(f"{k}: {v}" for k, v in left_out.items()))
    return tuple(kept), left_out


def training_fingerprint(*, basis: int, shaped_by: Mapping[str, str], as_of: date, params: Parameters) -> str:
    """Fingerprint what a training depends on: `events` at the version behind its inputs, parameters and code.

    Args:
        basis: version of `events` that the features reflect.
        shaped_by: fingerprints of what shapes its inputs: features, who has any, labels.
        as_of: the cut.
        params: of the training.
    """
    return fingerprint_of(
        {
            "basis": basis,
            "shaped_by": dict(shaped_by),
            "as_of": as_of.isoformat(),
            "parameters": params.fingerprint,
            "code": __version__,
        }
    )
