"""The page of all configuration keys: current, complete, and right about what a change asks for."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace

import pytest
import yaml

from segmentation.config import Config, load_config
from segmentation.parameters import CurrencyRate, Parameters
from segmentation.privacy.params import ConsentEvent
from segmentation.runtime.configuration_page import configuration_page, needs_rebuild
from segmentation.runtime.feature_inputs import feature_parameters
from segmentation.runtime.ingestion import ingest_parameters
from segmentation.sequences.analyses import analysis_parameters
from segmentation.sequences.states import load_states
from segmentation.sources.mapping import load_mapping

PROJECT = Path(__file__).parents[2]
CONF = PROJECT / "conf"
SECTIONS = {name: value for name, value in Config() if isinstance(value, Parameters)}
KEYS = [(section, key) for section, params in SECTIONS.items() for key in type(params).model_fields]
CHANGED = {
    "windows_days": (14,),
    "sum_windows_days": (14,),
    "platforms": ("kiosk",),
    "funnels": ("checkout",),
    "keep_properties": ("other",),
    "platform_shares": ("platform_web_share_life",),
    "rates": (CurrencyRate(currency="EUR", since=date(2024, 1, 1), rate=Decimal("1.1")),),
    "traits": {"plan": ("pro",)},
    "events": {"opted_out": ConsentEvent(purpose="ads", granted=False)},
}
"""Other values where the text 'other' would not do."""


def test_the_page_is_current() -> None:
    assert (PROJECT / "docs" / "configuration.md").read_text(encoding="utf-8") == configuration_page(), (
        "run: python -m segmentation.runtime.configuration_page > docs/configuration.md"
    )


def test_every_key_has_its_default_and_a_meaning_on_the_page() -> None:
    page = configuration_page()
    rows = dict(re.findall(r"^\| `([^`]+)` \| (.*) \|$", page, flags=re.MULTILINE))
    assert sorted(rows) == sorted({*Config.model_fields} - {*SECTIONS} | {f"{section}.{key}" for section, key in KEYS})
    for section, key in KEYS:
        default, allowed, meaning = rows[f"{section}.{key}"].split(" | ")[:3]
        stored = SECTIONS[section].model_dump(mode="json")[key]
        block = re.search(rf"Default of `{section}\.{key}`:\n\n```yaml\n(.*?)```", page, flags=re.DOTALL)
        shown = yaml.safe_load(block[1])[key] if block else yaml.safe_load(default.strip("`"))
        assert shown == stored, key
        assert allowed, key
        assert len(meaning) > len(key), key


@pytest.mark.parametrize(("section", "key"), KEYS)
def test_a_rebuild_is_asked_for_where_the_tables_fingerprint_says_so(
    section: str, key: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SEGMENTATION_PRIVACY_KEY", "5e" * 32)
    before, after = Config(), changed(section, key)
    ecom, states = load_mapping(CONF, "ecom"), load_states(CONF)

    def context(config: Config) -> SimpleNamespace:
        return SimpleNamespace(config=config, options={"conf_dir": CONF}, conf_dir=CONF)

    fingerprints = {
        "ingest_events": lambda config: ingest_parameters(context(config), ecom.under(config.privacy)),
        "build_features": lambda config: feature_parameters(context(config)),
        "build_journeys": lambda config: analysis_parameters(config.sequences, states, config.workspace),
    }
    refusing = tuple(job for job, of in fingerprints.items() if of(before) != of(after))
    assert refusing == needs_rebuild(section, key)


def test_the_examples_of_overrides_work() -> None:
    examples = re.findall(r"`--set '?([a-z_.]+=[^`']+)'?`", configuration_page())
    assert len(examples) >= 4
    config = load_config(CONF, "local", examples[1:])
    assert config.features.windows_days == (7, 28)
    assert config.evaluation.lift_min is None
    assert config.spark["spark.driver.memory"] == "8g"


def changed(section: str, key: str) -> Config:
    """The default configuration but for one key, which has another value of the same type."""
    config, value = Config(), getattr(SECTIONS[section], key)
    others = {bool: lambda: not value, int: lambda: value + 1, float: lambda: value / 2, tuple: lambda: ("other",)}
    other = CHANGED.get(key) or others.get(type(value), lambda: "other")()
    return config.model_copy(update={section: getattr(config, section).model_copy(update={key: other})})
