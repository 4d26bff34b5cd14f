"""Normalise features of different units, and of users of different platforms, to make them comparable.

What is measured on the training users is written into the pipeline's stages as numbers: a model normalises later users
as it did those, wherever it is loaded.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from pyspark.ml.feature import SQLTransformer
from pyspark.sql import functions as F

from segmentation.models.inputs import FeatureRange
from segmentation.models.preparation import preparation_stages, scaling_stage, transformed

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import DataFrame

    from segmentation.models.params import ClusterParams
    from segmentation.models.preparation import Stage

    Numbers = Sequence[float]
    ByPlatform = Mapping[str | None, Mapping[str, Numbers]]
    """Platform (None: all users) -> column -> its statistics."""

PLATFORM = "_platform"
PERCENTILES = tuple(share / 100 for share in range(101))
MEASURES = {
    "z_score": "array(avg({x}), stddev_samp({x}))",
    "min_max": "array(min({x}), max({x}))",
    "robust": "percentile({x}, array(0.25D, 0.5D, 0.75D))",
    "rank": "percentile({x}, array(" + ", ".join(f"{share}D" for share in PERCENTILES) + "))",
}
"""Statistics of a column that normalisation uses."""


def normalisation_stages(data: DataFrame, ranges: Sequence[FeatureRange], *, params: ClusterParams) -> list[Stage]:
    """Return the stages from features to `SCALED`: clip, transform, normalise, impute, assemble, centre.

    z_score, min_max and robust are those of scikit-learn's scalers (standard deviation of n - 1, as Spark's; a width of
    0 counts as 1); rank is its QuantileTransformer with 101 quantiles: linear between percentiles, the middle rank on
    ties, but 0 for the least and 1 for the greatest value. Null stays null and is imputed afterwards with the median of
    the normalised values. Except with z_score over all users, the coordinates are in the end multiplied by one
    number, the same for all, so that their mean variance is 1: distances keep their proportions, and the words of names
    their thresholds.

    Args:
        data: training users with the features and `platform_shares` as doubles.
        ranges: the features with their clipping bounds.
        params: how to normalise.
    """
    if params.normalise == "z_score" and not params.platform_shares:
        plain = preparation_stages(ranges, transform=params.transform, clip=True, indicators=False)
        return [*plain, scaling_stage()]
    columns = {r.name: f"_transformed_{r.name}" for r in ranges}
    values = [f"{transformed(r, params.transform, clip=True)} AS `{columns[r.name]}`" for r in ranges]
    first = _select(*values, f"{_platform_of(params.platform_shares)} AS {PLATFORM}")
    laid_out = first.transform(data)
    measured = _measure(laid_out, list(columns.values()), params=params)
    normal = {name: _among(column, measured, method=params.normalise) for name, column in columns.items()}
    factor = _common_factor(laid_out, normal)
    second = _select(*(f"{value} * {_real(factor)} AS `_normalised_{name}`" for name, value in normal.items()))
    done = [FeatureRange(f"_normalised_{r.name}", r.lower, r.upper, r.has_nulls) for r in ranges]
    assembled = preparation_stages(done, transform="none", clip=False, indicators=False)
    return [first, second, *assembled, scaling_stage(to_unit=False)]


def _platform_of(shares: Sequence[str]) -> str:
    """Name the greatest share, of equal ones the first; null where all are unknown or 0."""
    if not shares:
        return "CAST(NULL AS STRING)"
    known = [f"COALESCE(`{share}`, 0D)" for share in shares]
    most = f"ARRAY_MAX(ARRAY({', '.join(known)}))"
    cases = (f"WHEN {own} > 0 AND {own} = {most} THEN '{share}'" for own, share in zip(known, shares, strict=True))
    return f"CASE {' '.join(cases)} END"


def _measure(laid_out: DataFrame, columns: Sequence[str], *, params: ClusterParams) -> ByPlatform:
    """Measure the columns over all users, and over each platform with enough users: a row of each."""
    measures = [F.expr(MEASURES[params.normalise].format(x=f"`{column}`")).alias(column) for column in columns]
    rows: dict[str | None, Any] = {None: laid_out.agg(*measures).collect()[0]}
    if params.platform_shares:
        of_platform = laid_out.where(F.col(PLATFORM).isNotNull()).groupBy(PLATFORM)
        for row in of_platform.agg(F.count(F.lit(1)).alias("_users"), *measures).collect():
            if row["_users"] >= params.platform_users:
                rows[row[PLATFORM]] = row
    return {
        platform: {column: row[column] for column in columns if row[column] and None not in row[column]}
        for platform, row in sorted(rows.items(), key=lambda item: item[0] or "")
    }


def _among(column: str, measured: ByPlatform, *, method: str) -> str:
    """Normalise a column among the users of the row's platform; among all users if it has no numbers of its own."""
    x = f"`{column}`"
    own = {platform: numbers[column] for platform, numbers in measured.items() if column in numbers}
    everybody = _normal(x, own.pop(None), method)
    if not own:
        return everybody
    cases = (f"WHEN '{platform}' THEN {_normal(x, numbers, method)}" for platform, numbers in own.items())
    return f"CASE {PLATFORM} {' '.join(cases)} ELSE {everybody} END"


def _normal(x: str, numbers: Numbers, method: str) -> str:
    if method == "rank":
        return _rank(x, numbers)
    if method == "robust":
        lower, shift, upper = numbers
        width = upper - lower
    elif method == "min_max":
        shift, width = numbers[0], numbers[1] - numbers[0]
    else:
        shift, width = numbers
    return f"(({x} - {_real(shift)}) / {_real(width or 1.0)})"


def _rank(x: str, percentiles: Numbers) -> str:
    """Write the share of users below, in Spark SQL: that of the percentiles met, or between the two around."""
    points = f"array({', '.join(map(_real, percentiles))})"
    below, up_to = (f"size(filter({points}, q -> q {op} {x}))" for op in ("<", "<="))
    last = len(percentiles) - 1
    between = f"({below} - 1 + ({x} - {points}[{below} - 1]) / ({points}[{below}] - {points}[{below} - 1])) / {last}D"
    return (
        f"CASE WHEN {x} <= {_real(percentiles[0])} THEN 0D WHEN {x} >= {_real(percentiles[-1])} THEN 1D "
        f"WHEN {up_to} > {below} THEN ({below} + {up_to} - 1) / {2 * last}D WHEN {x} IS NOT NULL THEN {between} END"
    )


def _common_factor(laid_out: DataFrame, normal: Mapping[str, str]) -> float:
    """Return what makes the mean variance of the normalised columns 1."""
    row: Any = (
        laid_out.selectExpr(*(f"{value} AS `{name}`" for name, value in normal.items()))
        .agg(*(F.variance(name).alias(name) for name in normal))
        .head()
    )
    known = [variance for variance in row if variance is not None]
    mean = math.fsum(known) / len(known) if known else 0.0
    return 1 / math.sqrt(mean) if mean > 0 else 1.0


def _select(*columns: str) -> SQLTransformer:
    return SQLTransformer(statement=f"SELECT *, {', '.join(columns)} FROM __THIS__")  # noqa: S608  our own names


def _real(value: float) -> str:
    return f"CAST('{value!r}' AS DOUBLE)" if "e" in repr(value) else f"({value!r}D)"
