"""Configuration: overlays, overrides, and errors that name the key and the nearest known one."""

from __future__ import annotations

import shutil
from decimal import Decimal
from pathlib import Path

import pytest

from segmentation.config import load_config
from segmentation.errors import ConfigurationError
from segmentation.parameters import read_yaml
from segmentation.sources.mapping import load_mapping

CONF = Path(__file__).parents[2] / "conf"


@pytest.mark.parametrize("environment", ["local", "dev", "prod"])
def test_the_shipped_configurations_are_valid(environment: str) -> None:
    assert load_config(CONF, environment).workspace.conversion_events == ("purchase",)


def test_overrides_come_last_and_are_typed() -> None:
    config = load_config(CONF, "local", ["sessions.timeout_s=60", "spark.spark.master=local[1]"])
    assert config.sessions.timeout_s == 60


@pytest.mark.parametrize(
    ("override", "words"),
    [
        ("sessions.timeout=60", ["sessions.timeout", "timeout_s"]),
        ("session.timeout_s=60", ["'session'", "'sessions'"]),
        ("sessions.timeout_s=soon", ["sessions.timeout_s"]),
        ("ingest.dedup_window_days=2", ["dedup_window_days", "must cover"]),
        ("nonsense", ["--set nonsense", "section.key=value"]),
    ],
)
def test_wrong_overrides_say_what_is_wrong(override: str, words: list[str]) -> None:
    with pytest.raises(ConfigurationError) as caught:
        load_config(CONF, "local", [override])
    for word in words:
        assert word in str(caught.value)


RENAMES = [
    ("ingest.slice_mb", "ingest.batch_mb"),
    ("ingest.horizon_days", "ingest.dedup_window_days"),
    ("ingest.lateness_days", "ingest.allowed_lateness_days"),
    ("ingest.user_day_cap", "ingest.max_events_per_user_day"),
]


@pytest.mark.parametrize(("old", "new"), RENAMES)
def test_a_former_key__in_an_override(old: str, new: str) -> None:
    with pytest.raises(ConfigurationError, match=f"'{old}' is now called '{new}'") as caught:
        load_config(CONF, "local", [f"{old}=40"])
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(("old", "new"), RENAMES)
def test_a_former_key__in_a_configuration_file(tmp_path: Path, old: str, new: str) -> None:
    shutil.copytree(CONF, tmp_path / "conf")
    section, key = old.split(".")
    (tmp_path / "conf" / "local.yaml").write_text(f"{section}:\n  {key}: 40\n")
    with pytest.raises(ConfigurationError, match=f"'{old}' is now called '{new}'"):
        load_config(tmp_path / "conf", "local")


def test_a_former_key__in_a_mapping(tmp_path: Path) -> None:
    (tmp_path / "sources").mkdir()
    text = (CONF / "sources" / "posthog.yaml").read_text().replace("allowed_lateness_days", "lateness_days")
    (tmp_path / "sources" / "posthog.yaml").write_text(text)
    with pytest.raises(ConfigurationError, match="'lateness_days' is now called 'allowed_lateness_days'"):
        load_mapping(tmp_path, "posthog")


def test_a_former_key__that_another_section_still_has() -> None:
    assert load_config(CONF, "local", ["lifetimes.horizon_days=40"]).lifetimes.horizon_days == 40


@pytest.mark.parametrize("source", sorted(path.stem for path in (CONF / "sources").glob("*.yaml")))
def test_the_shipped_sources_are_valid(source: str) -> None:
    assert load_mapping(CONF, source).name == source


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("format: csv\nfields: {event_id: a, user_id: b, event_name: c}", ["fields.event_at", "required"]),
        ("format: cvs\nfields: {}", ["format", "csv"]),
        ("fields: [", ["not valid YAML"]),
        (
            "format: csv\nfields: {event_id: a, user_id: b, event_name: c, event_at: d, plattform: e}",
            ["plattform", "platform"],
        ),
        (
            "format: csv\nfields: {event_id: a, user_id: {column: a, expr: b}, event_name: c, event_at: d}",
            ["user_id", "exactly one of"],
        ),
    ],
)
def test_wrong_mappings_name_file_and_key(tmp_path: Path, text: str, words: list[str]) -> None:
    (tmp_path / "sources").mkdir()
    (tmp_path / "sources" / "shop.yaml").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_mapping(tmp_path, "shop")
    for word in ("shop.yaml", *words):
        assert word in str(caught.value)


def test_only_true_and_false_are_booleans(tmp_path: Path) -> None:
    (tmp_path / "x.yaml").write_text("no: [no, on, yes, off, y, true, False]\n")
    assert read_yaml(tmp_path / "x.yaml") == {"no": ["no", "on", "yes", "off", "y", True, False]}


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("currency,rate\nEUR,1\n", ["rates.csv", "currency,since,rate"]),
        ("currency,since,rate\nEUR,2024-01-01,1.1\nEUR,2024-02-01,-1\n", ["rates.csv line 3", "rate"]),
        ("currency,since,rate\neur,2024-01-01,1.1\n", ["rates.csv line 2", "currency"]),
        ("currency,since,rate\nEUR,2024-01-01,1.1\nEUR,2024-01-01,1.2\n", ["two rates of EUR since 2024-01-01"]),
    ],
)
def test_wrong_rates_name_their_line(tmp_path: Path, text: str, words: list[str]) -> None:
    shutil.copytree(CONF, tmp_path, dirs_exist_ok=True)
    (tmp_path / "rates.csv").write_text(text)
    with pytest.raises(ConfigurationError) as caught:
        load_config(tmp_path, "local")
    for word in words:
        assert word in str(caught.value)


def test_rates_are_read_as_they_are_and_have_a_fingerprint_of_their_own(tmp_path: Path) -> None:
    shutil.copytree(CONF, tmp_path, dirs_exist_ok=True)
    (tmp_path / "rates.csv").write_text("\ufeffcurrency,since,rate\nGBP,2024-01-01,1.27\nEUR,2024-01-01,1.10000001\n")
    workspace, without = load_config(tmp_path, "local").workspace, load_config(CONF, "local").workspace
    assert [(r.currency, r.rate) for r in workspace.rates] == [("EUR", Decimal("1.10000001")), ("GBP", Decimal("1.27"))]
    assert workspace.fingerprint == without.fingerprint
    assert workspace.rates_fingerprint != without.rates_fingerprint
