"""Pulls from fakes of the vendors: every row once, whenever a run is killed and whatever changes meanwhile."""

from __future__ import annotations

import csv
import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from segmentation.errors import ConfigurationError, DataError, RetryableError
from segmentation.pulls import load_pull, pull_objects
from tests.unit.pulls.fakes import (
    TOKEN,
    Fake,
    Ga4Counts,
    HubSpotDeals,
    Refused,
    SalesforceHistory,
    ShopifyOrders,
    ZendeskTickets,
    serving,
)
from tests.unit.pulls.folders import DiskFolder, FailingFolder, Killed

if TYPE_CHECKING:
    from collections.abc import Iterator

    from segmentation.pulls import PullDeclaration

pytest.importorskip("dlt", reason="the extra `pull` is not installed")
CONF = Path(__file__).parents[3] / "conf"


def hubspot() -> HubSpotDeals:
    """Return deals of which more share one time than a page holds."""
    fake = HubSpotDeals()
    for deal in range(4):
        fake.move(f"d{deal}", "appointmentscheduled", "100")
    for deal in range(4, 9):
        fake.move(f"d{deal}", "appointmentscheduled", "50", minutes=0)
    fake.move("d1", "closedwon")
    return fake


def shopify() -> ShopifyOrders:
    fake = ShopifyOrders()
    fake.page = 2
    for order in range(5):
        fake.buy(f"o{order}", "9.50")
    for order in range(5, 8):
        fake.buy(f"o{order}", "20", minutes=0)
    fake.refund("o1", "r1", "3.00")
    fake.cancel("o2")
    return fake


def zendesk() -> ZendeskTickets:
    fake = ZendeskTickets()
    fake.page = 2
    for ticket in range(6):
        fake.change(ticket, "new", minutes=10 if ticket % 2 else 0)
    fake.change(1, "solved")
    return fake


def salesforce() -> SalesforceHistory:
    fake = SalesforceHistory()
    fake.page = 2
    for number in range(6):
        fake.move(f"o{number}", "Prospecting", minutes=10 if number % 2 else 0)
    fake.move("o1", "Closed Won")
    return fake


def change_hubspot(fake: HubSpotDeals) -> None:
    fake.touch("d0", "999")
    fake.move("d2", "closedlost")


def change_shopify(fake: ShopifyOrders) -> None:
    fake.refund("o1", "r2", "1.00")
    fake.buy("o9", "7.00")


def ga4() -> Ga4Counts:
    fake = Ga4Counts()
    for day in ("20240301", "20240302", "20240303"):
        fake.count(day, "web", "purchase", 12)
        fake.count(day, "iOS", "screen_view", 345)
    return fake


VENDORS: dict[str, Any] = {
    "hubspot_deals": (hubspot, change_hubspot),
    "shopify_orders": (shopify, change_shopify),
    "zendesk_tickets": (zendesk, lambda fake: fake.change(7, "deleted")),
    "salesforce_opportunities": (salesforce, lambda fake: fake.move("o9", "Prospecting")),
    "ga4_counts": (ga4, lambda fake: fake.count("20240304", "web", "purchase", 7)),
}


def declared(name: str, url: str, **changes: Any) -> PullDeclaration:
    declaration = load_pull(CONF, name)
    update = {"base_url": url, "allow_loopback": True, "page_objects": 2, **changes}
    if name == "ga4_counts":  # the shipped page is larger than the fake's report
        text = json.dumps(declaration.resource).replace("10000", "2")
        update["resource"] = json.loads(text)
    return declaration.model_copy(update=update)


@pytest.fixture(autouse=True)
def _tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("HUBSPOT_TOKEN", "SHOPIFY_TOKEN", "ZENDESK_TOKEN", "SALESFORCE_TOKEN", "GA4_TOKEN"):
        monkeypatch.setenv(variable, TOKEN)
    monkeypatch.setenv("GA4_PROPERTY", "123")


def landed(folder: DiskFolder) -> Iterator[dict[str, Any]]:
    for path in sorted(path for path in folder.path.iterdir() if path.name[0] not in "._"):
        if path.suffix == ".csv":
            with path.open(encoding="utf-8", newline="") as file:
                yield from csv.DictReader(file)
        else:
            yield from map(json.loads, path.read_text(encoding="utf-8").splitlines())


def counted(rows: Any, like: list[dict[str, Any]]) -> Counter[tuple[str, ...]]:
    """Count rows by the columns that the fake knows of."""
    return Counter(tuple(str(row[name]) for name in like[0]) for row in rows)


def assert_each_row_once(folder: DiskFolder, fake: Fake) -> None:
    expected = fake.expected()
    assert counted(landed(folder), expected) == counted(expected, expected)


@pytest.mark.parametrize("name", VENDORS)
def test_pull__lands_each_row_once_and_a_second_pull_nothing(tmp_path: Path, name: str) -> None:
    fake, folder = VENDORS[name][0](), DiskFolder(tmp_path)
    with serving(fake) as url:
        first = pull_objects(declared(name, url), folder)
        files = sorted(folder.names())
        again = pull_objects(declared(name, url), folder)
    assert first.rows == len(fake.expected())
    assert_each_row_once(folder, fake)
    assert (again.rows, again.files, sorted(folder.names())) == (0, 0, files)


@pytest.mark.parametrize("name", VENDORS)
def test_pull__lands_only_what_is_new(tmp_path: Path, name: str) -> None:
    make, change = VENDORS[name]
    fake, folder = make(), DiskFolder(tmp_path)
    with serving(fake) as url:
        pull_objects(declared(name, url), folder)
        before = fake.expected()
        fake.tick(minutes=60)
        change(fake)
        result = pull_objects(declared(name, url), folder)
    assert result.rows == len(fake.expected()) - len(before) > 0
    assert_each_row_once(folder, fake)


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("name", ["hubspot_deals", "shopify_orders"])
def test_pull__killed_at_every_file_lands_each_row_once(tmp_path: Path, name: str, when: str) -> None:
    make, change = VENDORS[name]
    for number in range(1, 20):
        fake, path = make(), tmp_path / str(number)
        with serving(fake) as url:
            try:
                pull_objects(declared(name, url), FailingFolder(path, number, when))
            except Killed:
                fake.tick(minutes=60)
                change(fake)
                with pytest.raises(Killed):  # killed again at the first file of the next run
                    pull_objects(declared(name, url), FailingFolder(path, 1, when))
                pull_objects(declared(name, url), DiskFolder(path))
            else:
                break
        assert_each_row_once(DiskFolder(path), fake)
    assert number > 3


def test_pull__finds_objects_that_change_while_pages_are_read(tmp_path: Path) -> None:
    fake, folder = hubspot(), DiskFolder(tmp_path)

    def change(number: int) -> None:
        if number % 4 == 0 and number < 30:
            fake.touch(f"d{number // 4 % 9}", str(number))

    fake.before = change
    with serving(fake) as url:
        pull_objects(declared("hubspot_deals", url), folder)
    assert_each_row_once(folder, fake)


def test_pull__goes_beyond_the_end_of_a_search(tmp_path: Path) -> None:
    fake, folder = hubspot(), DiskFolder(tmp_path)
    fake.longest_search = 8
    declaration = declared("hubspot_deals", "")
    resource = json.loads(json.dumps(declaration.resource))
    resource["endpoint"]["json"]["limit"] = 2
    with serving(fake) as url:
        pull_objects(declared("hubspot_deals", url, resource=resource), folder)
    assert_each_row_once(folder, fake)


def test_pull__keeps_a_row_as_it_was_first_landed(tmp_path: Path) -> None:
    """A later amount of a deal does not land its former stages again, which would be conflicts."""
    fake, folder = hubspot(), DiskFolder(tmp_path)
    with serving(fake) as url:
        pull_objects(declared("hubspot_deals", url), folder)
        fake.tick(minutes=60)
        fake.touch("d1", "120")
        assert pull_objects(declared("hubspot_deals", url), folder).rows == 0
        fake.move("d1", "appointmentscheduled")
        assert pull_objects(declared("hubspot_deals", url), folder).rows == 1
    amounts = [row["amount"] for row in landed(folder) if row["deal_id"] == "d1"]
    assert sorted(amounts) == ["100", "100", "120"]


def test_pull__skips_an_object_that_was_deleted_meanwhile(tmp_path: Path) -> None:
    fake, folder = hubspot(), DiskFolder(tmp_path)
    fake.before = lambda number: fake.deals.pop("d0", None) if number == 2 else None
    with serving(fake) as url:
        pull_objects(declared("hubspot_deals", url), folder)
    assert_each_row_once(folder, fake)


def test_pull__names_of_files_hold_the_position(tmp_path: Path) -> None:
    fake = salesforce()
    with serving(fake) as url:
        pull_objects(declared("salesforce_opportunities", url, page_objects=4), DiskFolder(tmp_path))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        "20000101T000000.000000Z_20240301T002000.000000Z.000000.csv",
        "20000101T000000.000000Z_20240301T004000.000000Z.000001.csv",
        "_complete_20240301T004000.000000Z.000002",
    ]


@pytest.mark.parametrize(
    ("status", "error", "message"),
    [
        (401, ConfigurationError, r"the API refused the token \(401\)"),
        (404, ConfigurationError, "the API answered 404: check base_url and resource"),
        (503, RetryableError, "the API answered 503; start the same command again"),
    ],
)
def test_pull__explains_a_refusal_and_never_shows_the_token(
    tmp_path: Path,
    capfd: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
    status: int,
    error: type[Exception],
    message: str,
) -> None:
    monkeypatch.setattr("segmentation.pulls.objects.ATTEMPTS", 1)
    fake = salesforce()

    def refuse(_number: int) -> None:
        fake.answer = lambda *_: (_ for _ in ()).throw(Refused(status))  # type: ignore[method-assign]

    fake.before = refuse
    with serving(fake) as url, caplog.at_level("DEBUG"), pytest.raises(error, match=message) as raised:
        pull_objects(declared("salesforce_opportunities", url), DiskFolder(tmp_path))
    shown = "".join(capfd.readouterr()) + caplog.text + str(raised.value)
    assert TOKEN not in shown
    assert list(tmp_path.iterdir()) == []


def test_pull__waits_as_the_api_asks(tmp_path: Path) -> None:
    fake, folder = salesforce(), DiskFolder(tmp_path)
    whole = fake.answer
    refused: list[int] = []

    def answer(*given: Any) -> Any:
        if not refused:
            refused.append(fake.requests)
            raise Refused(429, {"Retry-After": "1"})
        return whole(*given)

    fake.answer = answer  # type: ignore[method-assign]
    with serving(fake) as url:
        pull_objects(declared("salesforce_opportunities", url), folder)
    assert refused == [1]
    assert_each_row_once(folder, fake)


@pytest.mark.parametrize(
    ("errors", "error", "message"),
    [
        ([{"message": "Throttled", "extensions": {"code": "THROTTLED"}}], RetryableError, "asks to wait"),
        ([{"message": "Field 'x' doesn't exist"}], DataError, "refused the query: Field 'x' doesn't exist"),
    ],
)
def test_pull__errors_of_graphql_are_not_an_empty_page(
    tmp_path: Path, errors: list[Any], error: type[Exception], message: str
) -> None:
    fake = shopify()
    fake.errors = errors
    with serving(fake) as url, pytest.raises(error, match=message):
        pull_objects(declared("shopify_orders", url), DiskFolder(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_pull__refuses_an_api_that_does_not_order_objects(tmp_path: Path) -> None:
    fake = salesforce()
    fake.rows.sort(key=lambda row: row["Id"], reverse=True)
    whole = fake.answer
    fake.answer = lambda *given: {**whole(*given), "records": fake.rows}  # type: ignore[method-assign]
    with serving(fake) as url, pytest.raises(DataError, match="does not order objects by CreatedDate"):
        pull_objects(declared("salesforce_opportunities", url, page_objects=9), DiskFolder(tmp_path))


def test_pull__needs_the_token_in_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOPIFY_TOKEN")
    with pytest.raises(ConfigurationError, match="put the API's token into SHOPIFY_TOKEN"):
        pull_objects(declared("shopify_orders", "http://127.0.0.1:1"), DiskFolder(tmp_path))


def test_pull__sends_no_telemetry(tmp_path: Path) -> None:
    from dlt.common.configuration import resolve_configuration  # noqa: PLC0415  an optional extra
    from dlt.common.configuration.specs import RuntimeConfiguration  # noqa: PLC0415
    from dlt.common.runtime import anon_tracker  # noqa: PLC0415

    with serving(salesforce()) as url:
        pull_objects(declared("salesforce_opportunities", url), DiskFolder(tmp_path))
    assert resolve_configuration(RuntimeConfiguration()).dlthub_telemetry is False
    assert (anon_tracker._ANON_TRACKER_ENDPOINT, anon_tracker._THREAD_POOL) == (None, None)


@pytest.mark.parametrize("path", sorted((CONF / "pulls").glob("*.yaml")), ids=lambda path: path.stem)
def test_shipped_declaration__is_read_by_its_mapping(path: Path) -> None:
    import yaml  # noqa: PLC0415  once

    declaration = load_pull(CONF, path.stem)
    mapping = yaml.safe_load((CONF / "sources" / f"{declaration.source}.yaml").read_text(encoding="utf-8"))
    if not declaration.counts:
        assert mapping["format"] == declaration.format
    if declaration.format == "json":
        assert [column.split()[0] for column in mapping["columns"].split(",")] == list(declaration.columns)
    assert declaration.allow_loopback is False
    assert declaration.base_url.startswith("https://")
    assert declaration.cursor.overlap_s <= timedelta(hours=1).total_seconds()
