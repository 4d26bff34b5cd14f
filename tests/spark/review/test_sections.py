"""The review's pages and sections on a small lake whose figures are known, and on lakes that lack tables."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from pathlib import Path
from statistics import median_low
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from jobs import publish_review
from segmentation.config import Config
from segmentation.features.inputs import median_durations
from segmentation.lake.lake import Lake
from segmentation.review import (
    ModelRecords,
    Provenance,
    Reading,
    ReviewParams,
    build_pages,
    read_models,
    render_one_page,
    render_site,
)
from segmentation.review.frames.sessions import measure_platforms
from segmentation.review.sections import reading
from segmentation.review.sections.journeys import journeys_section
from segmentation.review.sections.models import registry_section
from segmentation.review.sections.segments import segments_section
from segmentation.review.sections.sessions import sessions_section
from segmentation.review.sections.trainings import training_exhibits
from segmentation.runtime.context import Context
from segmentation.runtime.progress import Progress
from segmentation.tables import SESSIONS
from segmentation.tracking.records import ModelVersion
from tests.spark.review.small_lake import few_hits, sessions_of, write_lake

if TYPE_CHECKING:
    from datetime import date

    from pyspark.sql import SparkSession

    from segmentation.review.exhibits import Exhibit, Page, Section
    from segmentation.review.frames.records import Records

    Sections = dict[str, Section]

pytestmark = pytest.mark.spark

HITS = few_hits()
PAGES = ("index", "health", "journeys", "segments", "propensity", "models", "history")
POINTS = [{"predicted": 0.1, "observed": 0.2, "lower": 0.1, "upper": 0.4, "users": 9}]

TRAINING = {
    "chosen": "logistic_regression regParam=0.1 class_weight=none",
    "calibration": {"method": "platt"},
    "ahead_of": {"majority": {"metric": "log_loss", "value": 0.1, "lower": -0.1, "upper": 0.3, "is_ahead": False}},
    "by_segment": [
        {"segment": "loyal", "users": 9, "predicted": 0.1, "observed": 0.2, "lower": 0.15, "upper": 0.4, "is_off": True}
    ],
    "importances": [{"feature": "sessions_count_30d", "loss": 0.2, "lower": 0.1, "upper": 0.3}],
}


@pytest.fixture(scope="module")
def lake(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Lake:
    lake = Lake(spark, str(tmp_path_factory.mktemp("review") / "lake"), "run-1")
    write_lake(lake, HITS)
    return lake


@pytest.fixture(scope="module")
def as_of() -> date:
    return max(hit.at for hit in HITS).date() + timedelta(days=1)


@pytest.fixture(scope="module")
def pages(lake: Lake, as_of: date) -> tuple[Page, ...]:
    return build_pages(Reading(lake, as_of), ModelRecords(calibration={"purchase": POINTS}))


@pytest.fixture(scope="module")
def sections(pages: tuple[Page, ...]) -> Sections:
    return {section.key: section for page in pages for section in page.sections}


def test_pages__are_the_same_where_no_table_is_held_on_the_driver(
    lake: Lake, as_of: date, sections: Sections, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reading, "hold_small", lambda frame: frame)
    for page in build_pages(Reading(lake, as_of), ModelRecords(calibration={"purchase": POINTS})):
        for section in page.sections:
            assert section.lead == sections[section.key].lead
            for exhibit in section.exhibits:
                held = sections[section.key][exhibit.key]
                assert exhibit.finding == held.finding
                assert (exhibit.grid is None) == (held.grid is None)
                for one, other in zip(records_of(exhibit), records_of(held), strict=True):
                    assert all(same(one.get(key), other.get(key)) for key in {*one, *other})


def records_of(exhibit: Exhibit) -> Records:
    return [] if exhibit.grid is None else exhibit.grid.records


def same(one: object, other: object) -> bool:
    return bool(one == (pytest.approx(other) if isinstance(one, float) else other))


def test_the_headline_counts_what_is_there(sections: Sections) -> None:
    cards = {card.title: card for card in sections["overview"].cards}
    converted = sum(any(hit.state == "purchase" for hit in hits) for hits in sessions_of(HITS).values())
    assert cards["Events"].value == str(len(HITS))
    assert cards["Users"].value == "12"
    assert cards["Sessions"].value == "24"
    assert cards["Sessions"].note.startswith(f"{100 * converted / 24:.1f} %")
    assert cards["Segments"].value == "2"
    assert [cards[name].value for name in ("Records read", "Duplicates", "Quarantined", "Unparsable")] == [
        str(len(HITS) + 4), "2", "1", "1",
    ]  # fmt: skip


def test_health_tells_the_balance_and_every_breach(sections: Sections) -> None:
    ledger = sections["health"]["ledger"].grid.records
    assert [(row["source"], row["status"], row["accepted"]) for row in ledger] == [("shop", "balanced", len(HITS))]
    assert [row["status"] for row in sections["health"]["evaluations"].grid.records] == ["breach", "ok", "info"]
    assert "1 of 2 judged figures" in sections["health"].lead


def test_health_tells_broken_checks_first(sections: Sections) -> None:
    checks = sections["health"]["checks"]
    assert [row["status"] for row in checks.grid.records] == ["failed", "warned", "not_judged", "passed"]
    assert checks.finding == "2 of 3 judged checks are broken, first of all shop.prices (shop)."
    assert {trace.name: trace.x[0] for trace in checks.figure.data} == {
        "passed": 1,
        "not judged": 1,
        "warned": 1,
        "failed": 1,
    }


def test_monitoring_shows_alerts_first_and_the_headline_counts_them(sections: Sections) -> None:
    monitoring = sections["monitoring"]
    assert [row["metric"] for row in monitoring["alerts"].grid.records] == ["psi", "rate_change"]
    assert {row["status"] for row in monitoring["alerts"].grid.records} == {"breach"}
    assert monitoring["drift"].grid.records[0]["subject"] == "feature:sessions_count_30d"
    assert [row["status"] for row in monitoring["monitored-rates"].grid.records] == ["breach", "ok"]
    card = sections["overview"].cards[0]
    assert (card.title, card.value, card.status) == ("Alerts", "2", "breach")


def test_sessions_add_up_over_days_and_platforms(sections: Sections) -> None:
    by_platform = sections["sessions"]["sessions-by-platform"].grid.records
    by_day = sections["sessions"]["sessions-quality"].grid.records
    assert sum(row["sessions"] for row in by_platform) == sum(row["sessions"] for row in by_day) == 24
    web = [hits for hits in sessions_of(HITS).values() if hits[0].platform == "web"]
    known = [int((hits[-1].at - hits[0].at).total_seconds()) for hits in web if len(hits) > 1]
    row = next(r for r in sections["sessions"]["sessions-platforms"].grid.records if r["platform"] == "web")
    assert (row["sessions"], row["unknown"], row["median_s"]) == (12, 12 - len(known), median_low(known))


def test_unknown_durations_are_said_to_be_imputed_with_what_the_features_use(lake: Lake) -> None:
    used = {row["platform"]: row["median_duration_s"] for row in median_durations(lake.read(SESSIONS)).collect()}
    assert {row["platform"]: row["median_s"] for row in measure_platforms(lake.read(SESSIONS))} == used


def test_journeys_start_and_end_every_session(sections: Sections) -> None:
    rates = sections["journeys"]["transitions"].grid.records
    assert sum(row["transitions"] for row in rates if row["from_state"] == "START") == 24
    assert sum(row["transitions"] for row in rates if row["to_state"] == "EXIT") == 24
    assert sum(row["sessions"] for row in sections["journeys"]["paths"].grid.records) == 24
    assert sum(row["sessions"] for row in sections["journeys"]["flows"].grid.records if row["step"] == 1) == 24


def test_cohorts_show_the_value_that_a_percentile_stands_for(sections: Sections) -> None:
    in_force = sections["cohorts"]["cohort-sizes"].grid.records[0]["in_force"]
    assert in_force == "events_count_30d >= percentile 90 = 34.2; sessions_count_7d > 10"


def test_engagement_is_counted_in_whole_weeks_back_from_the_cut(sections: Sections, as_of: date) -> None:
    rows = sections["segments"]["segment-engagement"].grid.records
    assert {row["week"] for row in rows} == {as_of - timedelta(days=7)}
    assert sum(row["events"] for row in rows) == len(HITS)
    assert sum(row["active"] for row in rows) == sum(row["members"] for row in rows) == 12
    assert {row["active_share"] for row in rows} == {1.0}


def test_propensity_lift_is_against_everyone(sections: Sections) -> None:
    for key in ("scores-churn", "scores-purchase"):
        rows = sections["propensity"][key].grid.records
        assert sum(row["lift"] * row["users"] for row in rows) == pytest.approx(12)
        for row in rows:
            assert row["lowest"] <= row["lower"] <= row["median"] <= row["upper"] <= row["highest"]


def test_a_model_that_is_not_ahead_of_a_simple_one_is_said_so(lake: Lake, as_of: date) -> None:
    trainings = read_models(Reading(lake, as_of), SimpleNamespace(store=OneCurve(), exists=True)).trainings
    assert list(trainings) == ["purchase"]
    by_key = {exhibit.key: exhibit for exhibit in training_exhibits(trainings)}
    assert by_key["against-simple-models"].finding == "Not ahead of a simpler model: purchase."
    assert by_key["calibration-by-segment"].finding.startswith("1 of 1 segment ")
    assert by_key["importances"].finding == "Purchase rests most on Sessions, last 30 days."
    assert training_exhibits({}) == ()


def test_the_same_lake_gives_the_same_site(lake: Lake, as_of: date, pages: tuple[Page, ...]) -> None:
    provenance = Provenance("run-1", lake.root, as_of, {"events": 1}, {}, {})
    again = build_pages(Reading(lake, as_of), ModelRecords(calibration={"purchase": POINTS}))
    assert render_site(again, provenance) == render_site(pages, provenance)
    assert render_one_page(again, provenance) == render_one_page(pages, provenance)


def test_every_threshold_crossed_is_named_on_the_overview_and_counted_beside_its_page(pages: tuple[Page, ...]) -> None:
    crossed = {page.key: len(page.crossed) for page in pages if page.crossed}
    assert crossed == {"health": 2 + 1 + 2}  # checks, evaluations, alerts
    overview = {section.key: section for section in pages[0].sections}
    assert [note.text for note in overview["crossed"].notes] == [text for page in pages for text in page.crossed]
    assert all((note.file, note.crossed) == ("health.html", True) for note in overview["crossed"].notes)
    known = {(page.file, exhibit.key) for page in pages for exhibit in page.exhibits}
    assert {(note.file, note.anchor) for note in (*overview["found"].notes, *overview["crossed"].notes)} <= known
    assert "Davies bouldin of clusters is 2.81; its threshold is 2.5." in pages[1].crossed


def test_no_two_exhibits_of_the_site_share_a_file_or_an_anchor(pages: tuple[Page, ...]) -> None:
    keys = [thing.key for page in pages for section in page.sections for thing in (section, *section.exhibits)]
    assert len(keys) == len(set(keys))


def test_users_who_changed_segment_are_counted_once_each_way(sections: Sections) -> None:
    moves = sections["segments"]["segment-migration"].grid.records
    assert sum(move["users"] for move in moves) == 12
    changed = sum(move["users"] for move in moves if move["from"] != move["to"])
    assert 0 < changed < 12
    assert sections["segments"]["segment-migration"].finding.startswith(
        f"{100 * (12 - changed) / 12:.1f} % of 12 users"
    )


def test_the_map_places_every_scored_user_and_names_nobody(sections: Sections) -> None:
    grid = sections["segments"]["segment-map"].grid
    assert len(grid.records) == 12
    assert "user-" not in grid.csv()


def test_history_follows_segments_models_and_alerts_from_cut_to_cut(sections: Sections, as_of: date) -> None:
    cuts = [as_of - timedelta(days=2), as_of]
    sizes = sections["segment-history"]["segment-sizes-over-time"].grid.records
    assert {cut: sum(r["users"] for r in sizes if r["as_of"] == cut) for cut in cuts} == dict.fromkeys(cuts, 12)
    engaged = sections["segment-history"]["engagement-over-time"].grid.records
    users = {cut: len({hit.user for hit in HITS if hit.at.date() < cut}) for cut in cuts}  # all within the week before
    assert {cut: sum(r["active"] for r in engaged if r["as_of"] == cut) for cut in cuts} == users
    measures = sections["model-history"]["propensity-measures-over-time"].grid.records
    assert [(r["as_of"], r["metric"], r["value"]) for r in measures] == [(cut, "auc_pr", 0.62) for cut in cuts]
    alerts = sections["monitoring-history"]["alerts-over-time"].grid.records
    assert [(r["as_of"], r["alerts"]) for r in alerts] == [(cuts[0], 0), (as_of, 2)]
    assert len(sections["monitoring-history"]["drift-over-time"].grid.records) == 6
    log = sections["publications"]["publication-log"].grid.records
    assert [row["number"] for row in log] == [1]
    assert "segment_profiles" in log[0]["moved"]


def test_an_earlier_cut_shows_only_what_was_before_it(lake: Lake) -> None:
    first = min(hit.at for hit in HITS).date()
    cut = Reading(lake, first + timedelta(days=2))
    expected = [hits for hits in sessions_of(HITS).values() if (hits[0].at.date() - first).days < 2]
    assert cut.sessions["sessions"] == len(expected)
    assert sum(r["sessions"] for r in journeys_section(cut)["paths"].grid.records) == len(expected)
    assert segments_section(cut).exhibits == ()


def test_platforms_beyond_the_limit_are_one_bucket(lake: Lake, as_of: date) -> None:
    reading = Reading(lake, as_of, ReviewParams(platforms=1, states=2, chart_states=2))
    rows = sessions_section(reading)["sessions-by-platform"].grid.records
    assert {row["platform"] for row in rows} == {"ios", "(all other platforms)"}
    assert sum(row["sessions"] for row in rows) == 24


def test_a_lake_without_tables_names_the_job_that_fills_each_section(spark: SparkSession, tmp_path: Path) -> None:
    pages = build_pages(Reading(Lake(spark, str(tmp_path / "lake"), "run-1")))
    jobs = {section.key: section.missing for page in pages for section in page.sections}
    assert jobs == {
        "overview": ("ingest_events", "build_sessions", "score_segments"),
        "crossed": (),
        "found": (),
        "health": ("ingest_events", "check_quality", "evaluate_segments"),
        "monitoring": ("monitor_segments",),
        "features": (),
        "sessions": ("build_sessions",),
        "journeys": ("build_sequences",),
        "lifecycle": (),
        "segments": ("score_segments",),
        "cohorts": ("build_cohorts",),
        "propensity": ("train_propensity", "score_segments"),
        "registry": ("train_clusters", "train_propensity"),
        "segment-history": ("score_segments",),
        "model-history": ("evaluate_segments",),
        "monitoring-history": ("monitor_segments",),
        "publications": ("ingest_events",),
    }
    site = render_site(pages, Provenance("run-1", "lake", None))
    assert not [name for name in site if not name.endswith(".html") and not name.startswith("plotly-")]
    for page in pages:
        for section in page.sections:
            offered = [offer.job for offer in section.offers]
            assert all(f"python jobs/{job}.py --lake lake" in site[page.file] for job in (*section.missing, *offered))


class OneCurve:
    """A tracking store that knows the calibration curve of one model."""

    def __init__(self) -> None:
        self.sites: list[tuple[dict[str, str], str]] = []

    def read_curve(self, kind: str, version: str, name: str) -> list[dict[str, float]]:
        point = {"predicted": 0.1, "observed": 0.2, "lower_95": 0.1, "upper_95": 0.4, "users": 9.0}
        return [point] if (kind, version, name) == ("propensity-purchase", "1", "calibration") else []

    def read_document(self, kind: str, version: str, name: str) -> dict[str, object] | None:
        return TRAINING if (kind, version, name) == ("propensity-purchase", "1", "propensity.json") else None

    def require_active(self) -> None:
        """Its experiment was never deleted."""

    def kinds(self) -> list[str]:
        return ["propensity-purchase"]

    def champion(self, kind: str) -> ModelVersion | None:
        return self.versions(kind, 1)[0] if kind == "propensity-purchase" else None

    def versions(self, kind: str, newest: int) -> list[ModelVersion]:
        reason = {"decision": "kept as challenger", "decision_reason": "not better beyond chance"}
        first = ModelVersion(kind, "1", "r1", {"chosen": "logistic_regression"}, {"log_loss": 0.5})
        return [first, ModelVersion(kind, "2", "r2", reason, {"log_loss": 0.49})][:newest]

    def record_site(self, site: dict[str, str], one_page: str, *_: object) -> str:
        self.sites.append((site, one_page))
        return "site-run"


def test_calibration_is_that_of_the_models_that_scored(lake: Lake, as_of: date) -> None:
    curves = read_models(Reading(lake, as_of), SimpleNamespace(store=OneCurve(), exists=True)).calibration
    assert list(curves) == ["purchase"]
    assert [(p["predicted"], p["lower"], p["upper"]) for p in curves["purchase"]] == [(0.1, 0.1, 0.4)]


def test_models_are_shown_with_their_role_and_the_decisions_on_them(lake: Lake, as_of: date) -> None:
    reading = Reading(lake, as_of)
    section = registry_section(reading, read_models(reading, SimpleNamespace(store=OneCurve(), exists=True)))
    assert [(r["version"], r["role"]) for r in section["model-versions"].grid.records] == [
        ("2", "challenger"), ("1", "champion"),
    ]  # fmt: skip
    assert "version 2: not better beyond chance" in section["model-versions"].finding
    decisions = section["model-decisions"]
    assert [(r["version"], r["decision"]) for r in decisions.grid.records] == [("2", "kept"), ("1", "promoted")]
    assert list(decisions.figure.data[0].x) == [0.01]


def test_the_job_writes_the_site_its_tables_and_logs_it(spark: SparkSession, lake: Lake, as_of: date) -> None:
    store = OneCurve()
    tracking = SimpleNamespace(store=store, exists=True)
    config = Config(lake=lake.root, spark={"spark.secret": "hunter2"})
    context = Context(
        spark, config, Lake(spark, lake.root, "run-2"), tracking, "run-2", Progress(), None, {"states": 3}
    )
    before = lake.publications.current().number
    report = publish_review.run(context)
    folder = Path(lake.root) / "review"
    site = {path.name: path.read_text(encoding="utf-8") for path in folder.iterdir()}
    assert report.as_of == as_of
    assert report.notes == []
    assert report.quality["page"] == str(folder / "index.html")
    assert report.quality["crossed"] == {"Health": 5, "Propensity": 1}
    assert [kept for kept, _ in store.sites] == [site]
    assert {name for name in site if name.endswith(".html")} == {f"{name}.html" for name in PAGES}
    assert sum(map(len, site.values())) < 6_000_000
    assert site["drop-off.csv"].startswith("\ufeffstate,visits,exits")
    assert Lake(spark, lake.root, "run-3").publications.current().number == before
    for name in PAGES:
        page = site[f"{name}.html"]
        assert "run-2" in page
        assert "hunter2" not in page
        assert len(page) < 500_000
        loaded = set(re.findall(r'(?:src|href)="(?!#|data:)([^"#]*)', page))
        assert loaded <= site.keys(), name
        charts = re.findall(r'<script type="application/json">(.*?)</script>', page, flags=re.DOTALL)
        assert all(json.loads(chart)["data"] for chart in charts)
    whole = re.sub(r"<script nonce.*?</script>", "", store.sites[0][1], flags=re.DOTALL)
    assert re.findall(r'(?:src|href)="(?!#|data:)([^"]*)"', whole) == []
