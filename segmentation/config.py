"""Composes the typed parameters: conf/base.yaml, the environment's overlay, then --set."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING, Any

from pydantic import Field
from yaml import YAMLError

from segmentation.errors import ConfigurationError
from segmentation.evaluation.params import EvaluationParams, FeatureReportParams
from segmentation.features.params import BotParams, FeatureParams
from segmentation.ingest.params import IngestParams
from segmentation.lake.params import MaintenanceParams
from segmentation.models.params import ClusterParams, HysteresisParams, LifetimeParams, PropensityParams
from segmentation.monitoring.params import MonitoringParams, WebhookParams
from segmentation.parameters import CurrencyRate, Parameters, WorkspaceParams, parse_yaml, read_yaml, validated
from segmentation.privacy.params import ConsentParams, PrivacyParams
from segmentation.segments.params import LifecycleParams
from segmentation.sequences.params import EngagementParams, SequenceParams
from segmentation.sessions.params import SessionParams
from segmentation.tracking.params import TrackingParams

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

ENVIRONMENTS = ("local", "dev", "prod")
RATES = "rates.csv"
"""Exchange rates, in the folder of the configuration: currency,since,rate."""


class Config(Parameters):
    """Everything that can be configured."""

    lake: str = "lake"
    """Root of the lake: a folder or a URI."""
    workspace: WorkspaceParams = WorkspaceParams()
    ingest: IngestParams = IngestParams()
    privacy: PrivacyParams = PrivacyParams()
    consent: ConsentParams = ConsentParams()
    sessions: SessionParams = SessionParams()
    sequences: SequenceParams = SequenceParams()
    engagement: EngagementParams = EngagementParams()
    features: FeatureParams = FeatureParams()
    bots: BotParams = BotParams()
    lifecycle: LifecycleParams = LifecycleParams()
    clusters: ClusterParams = ClusterParams()
    hysteresis: HysteresisParams = HysteresisParams()
    propensity: PropensityParams = PropensityParams()
    lifetimes: LifetimeParams = LifetimeParams()
    evaluation: EvaluationParams = EvaluationParams()
    feature_report: FeatureReportParams = FeatureReportParams()
    monitoring: MonitoringParams = MonitoringParams()
    webhook: WebhookParams = WebhookParams()
    tracking: TrackingParams = TrackingParams()
    maintenance: MaintenanceParams = MaintenanceParams()
    spark: dict[str, str] = Field(default_factory=dict)
    """Spark settings of the environment; they change speed, never results."""


def load_config(conf_dir: Path, environment: str, overrides: Sequence[str] = ()) -> Config:
    """Load the configuration of an environment.

    Args:
        conf_dir: folder with base.yaml and <environment>.yaml, and rates.csv where there are other currencies.
        environment: name of the overlay.
        overrides: `section.key=value` items; the value is read as YAML.

    Raises:
        ConfigurationError: naming the file or override, the key, and the nearest known key.
    """
    of_files: dict[str, Any] = {}
    for name in ("base", environment):
        of_files = _overlay(of_files, read_yaml(conf_dir / f"{name}.yaml"))
    rates = conf_dir / RATES
    if rates.is_file():
        of_files = _overlay(of_files, {"workspace": {"rates": _read_rates(rates)}})
    files = f"{conf_dir}/base.yaml + {environment}.yaml"
    if not overrides:
        return validated(Config, of_files, files)
    merged = of_files
    for override in overrides:
        merged = _overlay(merged, _parse_override(override))
    given = " ".join(f"--set {override}" for override in overrides)
    try:
        return validated(Config, merged, given)
    except ConfigurationError:
        validated(Config, of_files, files)  # a fault of the files is theirs
        raise


def _read_rates(path: Path) -> list[CurrencyRate]:
    with path.open(encoding="utf-8-sig", newline="") as lines:
        table = csv.DictReader(lines, skipinitialspace=True)
        if table.fieldnames != [*CurrencyRate.model_fields]:
            raise ConfigurationError(f"{path}: the first line must be {','.join(CurrencyRate.model_fields)}")
        return [validated(CurrencyRate, row, f"{path} line {table.line_num}") for row in table]


def _overlay(below: dict[str, Any], above: dict[str, Any]) -> dict[str, Any]:
    merged = dict(below)
    for key, value in above.items():
        both = isinstance(value, dict) and isinstance(merged.get(key), dict)
        merged[key] = _overlay(merged[key], value) if both else value
    return merged


def _parse_override(text: str) -> dict[str, Any]:
    key, equals, value = text.partition("=")
    if not equals or not key:
        raise ConfigurationError(f"--set {text}: expected section.key=value")
    if key.startswith("spark."):  # Spark's own keys have dots, and all its values are text
        return {"spark": {key.removeprefix("spark."): value}}
    try:
        parsed: Any = parse_yaml(value)
    except YAMLError as error:
        raise ConfigurationError(f"--set {text}: the value is not valid YAML ({error.__class__.__name__})") from error
    for part in reversed(key.split(".")):
        parsed = {part: parsed}
    return parsed
