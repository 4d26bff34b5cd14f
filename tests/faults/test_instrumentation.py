"""The generated JavaScript in a real browser: its events pass through the mappings without a break of the plan."""

from __future__ import annotations

import csv
import json
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

import jsonschema
import pytest

from jobs import ingest_events, reconcile_counts
from segmentation.instrumentation import generate_instrumentation
from segmentation.parameters import WorkspaceParams
from segmentation.sources.mapping import load_mapping
from segmentation.sources.parse import parse_records
from segmentation.sources.readers.files import one_task_per_block, read_records
from segmentation.sources.readers.units import list_units
from segmentation.sources.tracking_plan import load_tracking_plan, plan_coverage
from tests.conftest import PROJECT
from tests.faults.browsing import start_chromium
from tests.faults.tag_manager import export_row, fire_tags

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.faults, pytest.mark.spark]
PLAN = load_tracking_plan(PROJECT / "conf").model_copy(update={"off_plan": "quarantine"})
FILES = generate_instrumentation(PLAN, vendor="com.shop")
TRACKERS = {"google": "google/data_layer.js", "segment": "segment/segment.js", "snowplow": "snowplow/snowplow.js"}
PAGE = """<!doctype html><meta charset="utf-8"><title>shop</title><script>
window.calls = {segment: [], snowplow: []};
window.analytics = {
  track: (...given) => calls.segment.push(["track", ...given]),
  identify: (...given) => calls.segment.push(["identify", ...given]),
  reset: () => calls.segment.push(["reset"]),
};
window.snowplow = (...given) => calls.snowplow.push(given);
window.trackers = {}; window.problems = [];
</script>
"""
LOAD = (
    '<script src="{path}"></script>'
    "<script>trackers.{name} = tracking; tracking.onProblem = (p) => problems.push(p)</script>\n"
)
MUG = {"item_id": "A1", "item_name": "Mug", "price": 29.95, "quantity": 2}
ORDER = {"transaction_id": "T-1", "value": 59.9, "currency": "EUR", "coupon": "SPRING"}
VISIT: list[tuple[str, Any]] = [
    ("viewItem", {"value": 29.95, "currency": "EUR", "items": [MUG]}),
    ("addToCart", {"value": 59.9, "currency": "EUR", "items": [MUG]}),
    ("beginCheckout", {"value": 60, "currency": "EUR"}),
    ("signUp", {"method": "email"}),
    ("setUser", "u-7"),
    ("login", None),
    ("purchase", {**ORDER, "items": [MUG]}),
    ("refund", {"transaction_id": "T-1"}),
]
FILLED = {
    ("view_item", "currency"): 1, ("view_item", "value"): 1,
    ("add_to_cart", "currency"): 1, ("add_to_cart", "value"): 1,
    ("begin_checkout", "currency"): 1, ("begin_checkout", "value"): 1, ("purchase", "transaction_id"): 1,
    ("purchase", "value"): 1, ("purchase", "currency"): 1, ("purchase", "coupon"): 1, ("refund", "transaction_id"): 1,
    ("refund", "value"): 0, ("refund", "currency"): 0, ("sign_up", "method"): 1,
}  # fmt: skip
"""Events that carry each parameter: the refund has neither the value nor the currency of the purchase before it."""
START = datetime(2024, 3, 1, 10, tzinfo=timezone.utc)


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Chrome]:
    folder = tmp_path_factory.mktemp("site")
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    loads = (LOAD.format(name=name, path=path) for name, path in TRACKERS.items())
    (folder / "index.html").write_text(PAGE + "".join(loads), encoding="utf-8")
    chrome = start_chromium()
    chrome.get((folder / "index.html").as_uri())
    yield chrome
    chrome.quit()


def visit(browser: Chrome, calls: list[tuple[str, Any]]) -> dict[str, Any]:
    """Make the same calls of every tracker on a fresh page; return everything that was sent, undefined as null."""
    browser.refresh()
    browser.execute_script(
        "for (const tracker of Object.values(trackers)) for (const [name, given] of arguments[0])"
        " tracker[name](given ?? undefined);",
        calls,
    )
    script = "return JSON.stringify([dataLayer, calls, problems], (k, v) => v === undefined ? null : v)"
    pushes, called, problems = json.loads(browser.execute_script(script))
    errors = [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"]
    return {"google": pushes, **called, "problems": problems, "errors": errors}


def ga4_rows(sent: dict[str, Any]) -> list[dict[str, Any]]:
    events = fire_tags(json.loads(FILES["google/tag_manager.json"]), sent["google"])
    start = int(START.timestamp()) * 1_000_000
    return [export_row(name, given, start + place * 1_000_000) for place, (name, given) in enumerate(events)]


def segment_rows(sent: dict[str, Any]) -> list[dict[str, Any]]:
    user, rows = None, []
    for place, (kind, *given) in enumerate(sent["segment"]):
        at = (START + timedelta(seconds=place)).isoformat().replace("+00:00", "Z")
        user = given[0] if kind == "identify" else user
        row = {"messageId": f"m{place}", "type": kind, "userId": user, "anonymousId": "a1", "timestamp": at}
        track = {"event": given[0], "properties": given[1]} if kind == "track" else {}
        rows.append({**row, "receivedAt": at, **track, "context": {"userAgent": "Mozilla/5.0"}})
    return rows


def snowplow_rows(sent: dict[str, Any]) -> list[dict[str, str]]:
    wrapper = "iglu:com.snowplowanalytics.snowplow/unstruct_event/jsonschema/1-0-0"
    user, rows = "", []
    for place, (method, given) in enumerate(sent["snowplow"]):
        if method == "setUserId":
            user = given
            continue
        event = given["event"]
        at = f"{START + timedelta(seconds=place):%Y-%m-%d %H:%M:%S}.000"
        fields = {"app_id": "shop", "platform": "web", "event": "unstruct", "event_id": f"e{place}", "user_id": user}
        fields |= {"collector_tstamp": at, "derived_tstamp": at, "domain_userid": "du1", "useragent": "Mozilla/5.0"}
        fields["event_name"] = event["schema"].split("/")[1]
        rows.append({**fields, "unstruct_event": json.dumps({"schema": wrapper, "data": event})})
    return rows


def write_lines(path: Path, rows: list[dict[str, Any]]) -> Path:
    path.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    return path


def write_tsv(path: Path, rows: list[dict[str, str]]) -> Path:
    header = load_mapping(PROJECT / "conf", "snowplow_tsv").header
    lines = ("\t".join(row.get(name, "") for name in header) + "\n" for row in rows)
    path.write_text("".join(lines), encoding="utf-8")
    return path


def parse(spark: SparkSession, source: str, file: Path) -> DataFrame:
    mapping = load_mapping(PROJECT / "conf", source)
    units = list_units(spark, mapping, [str(file)])
    with one_task_per_block(spark):
        raw = read_records(spark, mapping, units)
        records = parse_records(
            raw,
            mapping=mapping,
            allowed_lateness_days=7,
            clock_skew_hours=24,
            workspace=WorkspaceParams(),
            plan=PLAN,
        )
        return spark.createDataFrame(records.orderBy("row_key").collect(), records.schema)


@pytest.fixture
def write(tmp_path: Path):
    """Return a function that writes what was sent as a source delivers it."""
    ways = {
        "ga4": lambda sent: write_lines(tmp_path / "events_20240301.json", ga4_rows(sent)),
        "segment": lambda sent: write_lines(tmp_path / "segment.json", segment_rows(sent)),
        "snowplow_tsv": lambda sent: write_tsv(tmp_path / "snowplow.tsv", snowplow_rows(sent)),
    }
    return lambda source, sent: ways[source](sent)


@pytest.mark.parametrize("source", ["ga4", "segment", "snowplow_tsv"])
def test_generated_javascript__is_accepted_without_an_off_plan_record(
    spark: SparkSession, browser: Chrome, write: Any, source: str
) -> None:
    sent = visit(browser, VISIT)
    assert (sent["problems"], sent["errors"]) == ([], [])
    records = parse(spark, source, write(source, sent))
    assert [row["reasons"] for row in records.where("rejected").collect()] == []
    plan = PLAN.named_for(source)
    coverage = {
        (row["event_name"], row["parameter"]): (row["events"], row["filled"], row["broken"])
        for row in plan_coverage(plan, records).where("goal IS NOT NULL").collect()
    }
    expected = {(event, None): (1, 1, 0) for event in plan.events}
    for (name, parameter), filled in FILLED.items():
        event = PLAN.events[name]
        key = (event.names.get(source, name), event.parameters[parameter].names.get(source, parameter))
        expected[key] = (1, filled, 0)
    assert coverage == expected


@pytest.mark.parametrize("source", ["ga4", "segment", "snowplow_tsv"])
def test_generated_javascript__a_purchase_counts_as_revenue_of_the_user_who_signed_in(
    spark: SparkSession, browser: Chrome, write: Any, source: str
) -> None:
    records = parse(spark, source, write(source, visit(browser, VISIT)))
    purchases = [row for row in records.collect() if row["transaction_kind"] == "purchase"]
    assert [(float(row["value"]), row["currency"], row["order_id"]) for row in purchases] == [(59.9, "EUR", "T-1")]
    assert [row["known_id"] for row in purchases] == ["u-7"]
    refunds = [row for row in records.collect() if row["transaction_kind"] == "refund"]
    assert [(row["value"], row["order_id"]) for row in refunds] == [(None, "T-1")]


@pytest.mark.parametrize("source", ["ga4", "segment", "snowplow_tsv"])
def test_generated_javascript__an_incomplete_event_is_reported_and_quarantined(
    spark: SparkSession, browser: Chrome, write: Any, source: str
) -> None:
    sent = visit(browser, [("purchase", {"transaction_id": "T-1", "value": "59.90 EUR", "colour": "red"})])
    reported = ["'colour' is not in the tracking plan", "'value' is not of type number", "'currency' is missing"]
    assert sent["problems"] == [f"purchase: {problem}" for problem in reported] * len(TRACKERS)
    records = parse(spark, source, write(source, sent)).collect()
    assert [row["reasons"] for row in records] == [["unreadable_number", "off_plan"]]


def test_snowplow_events__fit_the_generated_schemas(browser: Chrome) -> None:
    sent = [call[1]["event"] for call in visit(browser, VISIT)["snowplow"] if call[0] == "trackSelfDescribingEvent"]
    assert len(sent) == len(PLAN.events)
    for event in sent:
        schema = json.loads(FILES["snowplow/schemas/" + event["schema"].removeprefix("iglu:")])
        body = {key: value for key, value in schema.items() if key not in ("$schema", "self")}
        jsonschema.validate(event["data"], body)


def test_walk_through__counts_and_times_agree_with_the_outside_count(
    spark: SparkSession, browser: Chrome, write: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sent = visit(browser, VISIT)
    rows, export = ga4_rows(sent), write("ga4", sent)
    assert len(rows) == len(PLAN.events)
    common = ["--conf-dir", str(PROJECT / "conf"), "--lake", str(tmp_path / "lake")]
    assert ingest_events.main([*common, "--source", "ga4", "--input", str(export)]) == 0
    counts = tmp_path / "counts.csv"
    with counts.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["event_date", "hour", "event_name", "events", "first_at", "last_at"])
        for row in rows:
            at = datetime.fromtimestamp(int(row["event_timestamp"]) / 1_000_000, tz=timezone.utc)
            text = f"{at:%Y-%m-%d %H:%M:%S}"
            writer.writerow([text[:10], at.hour, row["event_name"], 1, text, text])
    capsys.readouterr()
    compare = [*common, "--as-of", "2024-03-10", "--source", "ga4", "--counts", str(counts), "--tolerance", "0"]
    assert reconcile_counts.main(compare) == 0
    found = json.loads(capsys.readouterr().out.strip().splitlines()[-1])["quality"]
    assert (found["cells"], found["equal"], found["settling"]) == (len(rows), len(rows), 0)
    assert found["other_times"] == 0
    counts.write_text(counts.read_text(encoding="utf-8").replace("10:00:05", "10:00:04"), encoding="utf-8")
    reconcile_counts.main(compare)
    assert json.loads(capsys.readouterr().out.strip().splitlines()[-1])["quality"]["other_times"] == 1
