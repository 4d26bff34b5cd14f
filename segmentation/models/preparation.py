"""From features to vectors, by native pipeline stages only, so that MLflow's Spark flavour loads them as they are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.ml.feature import Imputer, SQLTransformer, StandardScaler, VectorAssembler

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyspark.ml import Estimator, Transformer

    from segmentation.models.inputs import FeatureRange

    Stage = Estimator[Any] | Transformer

VECTOR = "features_vector"
SCALED = "features_scaled"


def preparation_stages(ranges: Sequence[FeatureRange], *, transform: str, clip: bool, indicators: bool) -> list[Stage]:
    """Return the stages that clip, transform and impute features and assemble them into the column `VECTOR`.

    Args:
        ranges: the features with their bounds.
        transform: `signed_log1p` (sign(x) * ln(1 + |x|)) or `none`.
        clip: whether values are moved into the bounds. Null stays null.
        indicators: whether a feature with nulls gets a second coordinate: 1 where it is null, else 0.

    Nulls become the exact median of the transformed training values.
    """
    prepared = [f"_prepared_{r.name}" for r in ranges]
    imputed = [f"_imputed_{r.name}" for r in ranges]
    with_nulls = [r for r in ranges if r.has_nulls] if indicators else []
    missing = [f"_missing_{r.name}" for r in with_nulls]
    columns = [f"{transformed(r, transform, clip=clip)} AS `{name}`" for r, name in zip(ranges, prepared, strict=True)]
    columns += [f"CAST(`{r.name}` IS NULL AS DOUBLE) AS `{name}`" for r, name in zip(with_nulls, missing, strict=True)]
    return [
        SQLTransformer(statement=f"SELECT *, {', '.join(columns)} FROM __THIS__"),  # noqa: S608  our own names
        Imputer(inputCols=prepared, outputCols=imputed, strategy="median", relativeError=0.0),
        VectorAssembler(inputCols=imputed + missing, outputCol=VECTOR),
    ]


def scaling_stage(*, to_unit: bool = True) -> Estimator[Any]:
    """Return the stage that gives coordinates of `VECTOR` mean 0 and, `to_unit`, standard deviation 1, as `SCALED`."""
    return StandardScaler(inputCol=VECTOR, outputCol=SCALED, withMean=True, withStd=to_unit)


def transformed(feature: FeatureRange, transform: str, *, clip: bool) -> str:
    """Write the clipped and transformed feature in Spark SQL; null stays null."""
    x = f"CAST(`{feature.name}` AS DOUBLE)"
    if clip:
        lower, upper = f"{feature.lower!r}D", f"{feature.upper!r}D"
        x = f"CASE WHEN {x} < {lower} THEN {lower} WHEN {x} > {upper} THEN {upper} ELSE {x} END"
    return f"SIGN({x}) * LOG1P(ABS({x}))" if transform == "signed_log1p" else x
