"""The review site in a real browser: from file://, without network, with names that nobody would choose."""

from __future__ import annotations

import json
import shutil
from itertools import pairwise
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from segmentation.filesystem.folder import publish_folder
from segmentation.lake.lake import Lake
from segmentation.review import ModelRecords, Provenance, Reading, build_pages, render_one_page, render_site
from tests.faults.browsing import start_chromium
from tests.spark.review.small_lake import few_hits, write_lake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.faults, pytest.mark.spark]

SCRIPT = "<script>alert(1)</script>"
BREAKOUT = "</script></style><img src=x onerror=alert(2)>"
ARABIC = "صفحة المنتج"
FORMULA = "=HYPERLINK(1)"
TEMPLATE = "{{ 7 * 7 }} %{x} &lt;b&gt; <b>bold</b> \u202eesrever"
LONG = "x" * 10_000
NAMES = (SCRIPT, BREAKOUT, ARABIC, FORMULA, TEMPLATE, LONG)
PHONE, DESKTOP = 390, 1280
WHOLE = "whole.html"
"""Everything in one file, as the tracking store shows it."""
CHARTS = {
    "index.html": 0, "health.html": 5, "journeys.html": 5, "segments.html": 6, "propensity.html": 5, "models.html": 4,
    "history.html": 6, WHOLE: 31,
}  # fmt: skip
"""Page -> charts that it has at least."""
ALL = tuple(CHARTS)
PAGES = ALL[:-1]
READY = "return document.documentElement.dataset.charts === 'ready'"
GROUND = "return getComputedStyle(document.body).backgroundColor"
EMPTY_CHARTS = """
return [...document.querySelectorAll('.exhibit')].filter((e) => e.querySelector('figure') && !e.querySelector(
  '.chart .point, .chart .js-line, .chart .hm, .chart .sankey, .chart .box, .chart .bars, .chart path.fill'
)).map((e) => e.id);
"""
"""Charts in which nothing is drawn."""
POINTS = [{"predicted": 0.1, "observed": 0.2, "lower": 0.1, "upper": 0.4, "users": 9}]
GAIN = {"share": 0.1, "captured": 0.2, "lift": 2.0, "precision": 0.3, "lower_95": 0.1, "upper_95": 0.4, "users": 9}
BETTER = {"metric": "log_loss", "value": 0.1, "lower": -0.1, "upper": 0.3, "is_ahead": False}
OFF = {"segment": LONG, "users": 9, "predicted": 0.1, "observed": 0.2, "lower": 0.15, "upper": 0.4, "is_off": True}
TRAINING = {
    "chosen": SCRIPT,
    "calibration": {"method": "platt"},
    "ahead_of": {BREAKOUT: BETTER},
    "by_segment": [OFF],
    "importances": [{"feature": TEMPLATE, "loss": 0.2, "lower": 0.1, "upper": 0.3}],
    "candidates": [{"setting": SCRIPT, "chosen": True, "cross_validated": {"log_loss": 0.5}, "later": None}],
}
VERSION = {"kind": f"propensity-{SCRIPT}", "version": "1", "role": "champion", "as_of": "2024-05-01", "chosen": LONG}
MODELS = ModelRecords(
    calibration={SCRIPT: POINTS},
    gains={SCRIPT: [GAIN]},
    trainings={SCRIPT: TRAINING},
    versions=[{**VERSION, "decision": BREAKOUT, "reason": TEMPLATE, "metrics": {"log_loss": 0.5}}],
    by_k={name: [{"k": 2, SCRIPT: 0.5}, {"k": 3, SCRIPT: 0.4}] for name in ("silhouette", "stability", "elbow")},
)
CONTRAST = """
const parse = (text) => (text.match(/[\\d.]+/g) ?? []).map(Number);
const over = (top, below) => { const a = top[3] ?? 1; return [0, 1, 2].map((i) => top[i] * a + below[i] * (1 - a)); };
const ground = (e) => {
  const colour = parse(getComputedStyle(e).backgroundColor);
  const below = () => e.parentElement ? ground(e.parentElement) : [255, 255, 255];
  return (colour[3] ?? 1) === 1 ? colour : over(colour, below());
};
const channel = (c) => c / 255 <= 0.04045 ? c / 255 / 12.92 : ((c / 255 + 0.055) / 1.055) ** 2.4;
const light = (c) => 0.2126 * channel(c[0]) + 0.7152 * channel(c[1]) + 0.0722 * channel(c[2]);
const own = (e) => [...e.childNodes].some((n) => n.nodeType === 3 && n.textContent.trim());
const shown = (e) => own(e) && e.checkVisibility() && !e.closest('script, svg');
return [...document.querySelectorAll('body *')].filter(shown)
  .map((e) => {
    const below = ground(e), ink = over(parse(getComputedStyle(e).color), below);
    const [low, high] = [light(ink), light(below)].sort((a, b) => a - b);
    return [(high + 0.05) / (low + 0.05), e.outerHTML.slice(0, 100)];
  }).filter(([contrast]) => contrast < 4.5);
"""
"""Text whose contrast to what it stands on is below that of WCAG 2.2, 1.4.3."""


@pytest.fixture(scope="module")
def site(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    lake = Lake(spark, str(folder / "lake"), "run-1")
    as_of = write_lake(lake, few_hits(NAMES), segments=(SCRIPT, ARABIC, LONG))
    pages = build_pages(Reading(lake, as_of), MODELS)
    provenance = Provenance(SCRIPT, str(folder), as_of, {BREAKOUT: 1}, {}, {"name": BREAKOUT}, 1)
    publish_folder(folder / "review", render_site(pages, provenance), "run-1")
    (folder / "review" / "whole.html").write_text(render_one_page(pages, provenance), encoding="utf-8")
    return folder / "review"


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    chrome = start_chromium()
    yield chrome
    chrome.quit()


def open_page(browser: Chrome, page: Path, *, width: int = DESKTOP) -> None:
    """Open a page by day and wait for its charts; an alert or a chart that fails ends in an error here."""
    for kind in ("browser", "performance"):
        browser.get_log(kind)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media("light"))
    resize(browser, width)
    browser.get(page.as_uri())
    wait_for(browser, READY)


def resize(browser: Chrome, width: int) -> None:
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)


def media(scheme: str) -> dict[str, object]:
    return {"features": [{"name": "prefers-color-scheme", "value": scheme}]}


def wait_for(browser: Chrome, condition: str) -> None:
    from selenium.webdriver.support.ui import WebDriverWait  # noqa: PLC0415  skipped above where it is absent

    WebDriverWait(browser, 120, poll_frequency=0.1).until(lambda chrome: chrome.execute_script(condition))


@pytest.mark.parametrize("name", ALL)
def test_a_page_opens_from_a_file_without_network_and_without_errors(browser: Chrome, site: Path, name: str) -> None:
    open_page(browser, site / name)
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert (site / name).as_uri() in urls
    assert [url for url in urls if not url.startswith((site.as_uri() + "/", "data:"))] == []
    assert browser.get_log("browser") == []
    figures, drawn, untold = browser.execute_script(
        "const all = [...document.querySelectorAll('figure')];"
        "return [all.length, all.filter((f) => f.querySelector('.main-svg')).length,"
        " all.filter((f) => f.querySelector('.chart').getAttribute('aria-label').length < 40).length]"
    )
    assert (drawn, untold) == (figures, 0)
    assert figures >= CHARTS[name]
    assert browser.execute_script(EMPTY_CHARTS) == []


@pytest.mark.parametrize("name", ALL)
def test_a_page_is_in_order_for_those_who_hear_it(browser: Chrome, site: Path, name: str) -> None:
    open_page(browser, site / name)
    marks = "return ['header', 'nav', 'main', 'footer', 'h1'].map((q) => document.querySelectorAll(q).length)"
    assert browser.execute_script(marks) == [1, 1, 1, 1, 1]
    levels = browser.execute_script("return [...document.querySelectorAll('h1, h2, h3')].map((h) => +h.tagName[1])")
    assert levels[0] == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    unnamed = browser.execute_script(
        "return [...document.querySelectorAll('section, article, nav, a, [role=img], [role=region]')].filter((e) => {"
        "  const by = document.getElementById(e.getAttribute('aria-labelledby'));"
        "  return !(e.getAttribute('aria-label') || by?.textContent || (e.tagName === 'A' && e.textContent))?.trim();"
        "}).map((e) => e.outerHTML.slice(0, 200))"
    )
    assert unnamed == []
    twice = browser.execute_script(
        "const ids = [...document.querySelectorAll('[id]')].map((e) => e.id);"
        "return ids.filter((id, place) => !id.startsWith('clip') && ids.indexOf(id) < place)"
    )
    assert twice == []
    links = browser.execute_script(
        "return [...document.querySelectorAll('nav a')].map((a) => [a.getAttribute('href'), a.ariaCurrent])"
    )
    if name != WHOLE:
        assert [href for href, _ in links if not href.startswith("#")] == list(PAGES)
        assert [href for href, current in links if current == "page"] == [name]
    broken = (
        "return [...document.querySelectorAll('a[href^=\"#\"]')].filter((a) => !document.querySelector(a.hash)).length"
    )
    assert browser.execute_script(broken) == 0
    edition = browser.find_element("css selector", ".masthead").text
    assert "As of 7 May 2024, exclusive" in edition
    assert "Publication 1 of lake" in edition


@pytest.mark.parametrize("name", ALL)
def test_hostile_names_are_shown_as_text(browser: Chrome, site: Path, name: str) -> None:
    open_page(browser, site / name)
    assert SCRIPT in browser.execute_script("return document.querySelector('main').textContent")
    assert browser.execute_script("return document.querySelectorAll('img, iframe, object, b').length") == 0
    admitted = "return [...document.scripts].filter((s) => s.type !== 'application/json' && !s.nonce).length"
    assert browser.execute_script(admitted) == 0
    labels = browser.execute_script(
        "return [...document.querySelectorAll('.chart svg text')].map((e) => e.textContent)"
    )
    assert max(map(len, labels), default=0) < 200


def test_hostile_names_stand_whole_in_tables_and_short_in_charts(browser: Chrome, site: Path) -> None:
    open_page(browser, site / "journeys.html")
    cells, labels = browser.execute_script(
        "const texts = (q) => [...document.querySelectorAll(q)].map((e) => e.textContent);"
        "return [texts('td bdi, th bdi'), texts('.chart svg text')]"
    )
    for name in NAMES:
        assert name in cells, name[:60]
    assert any(label == SCRIPT for label in labels)
    assert any(ARABIC in label for label in labels)
    assert any("&lt;b&gt;" in label for label in labels), "an entity in the data is text, not markup"


def test_the_content_security_policy_refuses_what_would_slip_through(browser: Chrome, site: Path) -> None:
    open_page(browser, site / "segments.html")
    browser.execute_script(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.slipped = 1\">');"
        "const s = document.createElement('script'); s.textContent = 'window.slipped = 2'; document.body.append(s);"
    )
    browser.execute_async_script("setTimeout(arguments[0], 500)")
    assert browser.execute_script("return window.slipped ?? 0") == 0
    assert any("Content Security Policy" in entry["message"] for entry in browser.get_log("browser"))


def test_without_the_script_beside_it_a_page_opens_its_tables(browser: Chrome, site: Path, tmp_path: Path) -> None:
    shutil.copy(site / "segments.html", tmp_path)
    open_page(browser, tmp_path / "segments.html")
    assert browser.find_element("id", "chartless").is_displayed()
    assert browser.execute_script("return [...document.querySelectorAll('.exhibit details')].every((d) => d.open)")
    assert not any(figure.is_displayed() for figure in browser.find_elements("css selector", "figure"))


@pytest.mark.parametrize("name", ALL)
def test_a_page_fits_a_phone_and_a_desktop(browser: Chrome, site: Path, name: str) -> None:
    open_page(browser, site / name, width=PHONE)
    for width in (PHONE, 768, DESKTOP):
        resize(browser, width)
        browser.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
        assert browser.execute_script("return document.documentElement.scrollWidth") <= width
        stuck = browser.execute_script(
            "return [...document.querySelectorAll('main *')].filter((e) => {"
            "  const style = getComputedStyle(e);"
            "  return e.scrollWidth > e.clientWidth + 1 && /auto|scroll/.test(style.overflowX) && e.tabIndex < 0;"
            "}).map((e) => e.outerHTML.slice(0, 120))"
        )
        assert stuck == [], "what scrolls sideways can be scrolled by keyboard"


@pytest.mark.parametrize("name", ALL)
def test_all_text_has_the_contrast_that_it_needs_by_day_and_by_night(browser: Chrome, site: Path, name: str) -> None:
    open_page(browser, site / name)
    browser.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    light = browser.execute_script(GROUND)
    assert browser.execute_script(CONTRAST) == []
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media("dark"))
    assert browser.execute_script(GROUND) != light
    assert browser.execute_script(CONTRAST) == []


def test_charts_follow_the_reader_into_the_dark(browser: Chrome, site: Path) -> None:
    fill = "return getComputedStyle(document.querySelector('#drop-off svg .ytick text')).fill"
    open_page(browser, site / "journeys.html")
    light = browser.execute_script(fill)
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media("dark"))
    wait_for(browser, f"{fill} !== '{light}'")


@pytest.mark.parametrize("name", ALL)
def test_every_exhibit_has_its_table_and_its_csv(browser: Chrome, site: Path, name: str) -> None:
    open_page(browser, site / name)
    exhibits = browser.execute_script(
        "return [...document.querySelectorAll('.exhibit')].map((e) => [e.id, e.querySelectorAll('tbody tr').length,"
        " e.querySelector('a[download]').getAttribute('href')])"
    )
    assert len(exhibits) >= CHARTS[name]
    for key, rows, address in exhibits:
        head, comma, body = address.partition(",")
        assert rows >= 1, key
        assert head == ("data:text/csv;charset=utf-8" if name == WHOLE else f"{key}.csv")
        text = unquote(body) if comma else (site / head).read_text(encoding="utf-8")
        assert text.startswith("\ufeff"), key
        assert f"\n{FORMULA}" not in text
        if key == "drop-off":
            assert f"\n'{FORMULA}," in text


@pytest.mark.parametrize("name", PAGES)
def test_the_keyboard_reaches_everything_and_shows_where_it_is(browser: Chrome, site: Path, name: str) -> None:
    from selenium.webdriver.common.action_chains import ActionChains  # noqa: PLC0415
    from selenium.webdriver.common.keys import Keys  # noqa: PLC0415

    open_page(browser, site / name)
    browser.execute_script(
        "const seen = (e) => e.checkVisibility() && e.tabIndex >= 0;"
        "window.stops = [...document.querySelectorAll('a[href], summary, [tabindex]')].filter(seen);"
        "window.walk = [];"
        "addEventListener('focusin', (event) => {"
        "  const e = event.target, style = getComputedStyle(e);"
        "  const outlined = style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2;"
        "  window.walk.push([window.stops.indexOf(e), outlined, e.outerHTML.slice(0, 80)]);"
        "});"
    )
    wanted = browser.execute_script("return window.stops.length")
    ActionChains(browser, duration=0).send_keys(Keys.TAB * wanted).perform()
    walk = browser.execute_script("return window.walk")
    assert [place for place, _, _ in walk] == list(range(wanted)), "the order of reading, and nothing left out"
    assert [element for _, outlined, element in walk if not outlined] == []
    assert walk[0][2].startswith('<a class="skip"')


def test_pages_and_tables_open_by_keyboard(browser: Chrome, site: Path) -> None:
    from selenium.webdriver.common.keys import Keys  # noqa: PLC0415

    open_page(browser, site / "index.html")
    browser.find_element("css selector", "nav a[href='journeys.html']").send_keys(Keys.ENTER)
    wait_for(browser, READY)
    assert browser.current_url == (site / "journeys.html").as_uri()
    browser.find_element("css selector", "#transitions summary").send_keys(Keys.ENTER)
    assert browser.execute_script("return document.querySelector('#transitions details').open")
