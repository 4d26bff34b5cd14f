"""The review page in a real browser: from file://, without network, with names that nobody would choose."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING
from urllib.parse import unquote

import pytest

from segmentation.review import Provenance, Reading, build_sections, render_page
from segmentation.storage.lake import Lake
from tests.spark.review.small_lake import few_hits, write_lake

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from pyspark.sql import SparkSession
    from selenium.webdriver import Chrome

pytestmark = [pytest.mark.faults, pytest.mark.spark]
webdriver = pytest.importorskip("selenium.webdriver", reason="selenium is not installed")

SCRIPT = "<script>alert(1)</script>"
BREAKOUT = "</script></style><img src=x onerror=alert(2)>"
ARABIC = "صفحة المنتج"
FORMULA = "=HYPERLINK(1)"
TEMPLATE = "{{ 7 * 7 }} %{x} &lt;b&gt; <b>bold</b> \u202eesrever"
LONG = "x" * 10_000
NAMES = (SCRIPT, BREAKOUT, ARABIC, FORMULA, TEMPLATE, LONG)
BROWSERS = ("chromium", "chromium-browser", "google-chrome")
PHONE, DESKTOP = 390, 1280
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
def page(spark: SparkSession, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("hostile")
    lake = Lake(spark, str(folder / "lake"), "run-1")
    as_of = write_lake(lake, few_hits(NAMES), segments=(SCRIPT, ARABIC, LONG))
    points = [{"predicted": 0.1, "observed": 0.2, "lower": 0.1, "upper": 0.4, "users": 9}]
    sections = build_sections(Reading(lake, as_of), {SCRIPT: points})
    provenance = Provenance(SCRIPT, str(folder), as_of, {BREAKOUT: 1}, {}, {"name": BREAKOUT})
    path = folder / "index.html"
    path.write_text(render_page(sections, provenance), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def browser() -> Iterator[Chrome]:
    binary = next((found for found in map(shutil.which, BROWSERS) if found), None)
    driver = shutil.which("chromedriver")
    if binary is None or driver is None:
        pytest.skip("no Chromium with chromedriver: make browser")
    options = webdriver.ChromeOptions()
    options.binary_location = binary
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    chrome = webdriver.Chrome(options=options, service=webdriver.ChromeService(executable_path=driver))
    chrome.set_page_load_timeout(120)
    yield chrome
    chrome.quit()


def open_page(browser: Chrome, page: Path, *, width: int = DESKTOP, scheme: str = "light") -> None:
    """Open the page and wait for its charts; an alert or a chart that fails ends in an error here."""
    from selenium.webdriver.support.ui import WebDriverWait  # noqa: PLC0415  skipped above where it is absent

    for kind in ("browser", "performance"):
        browser.get_log(kind)
    media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width == PHONE}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    browser.get(page.as_uri())
    ready = "return document.documentElement.dataset.charts === 'ready'"
    WebDriverWait(browser, 120).until(lambda chrome: chrome.execute_script(ready))


def test_opens_from_a_file_without_network_and_without_errors(browser: Chrome, page: Path) -> None:
    assert page.stat().st_size < 6_500_000
    open_page(browser, page)
    events = [json.loads(entry["message"])["message"] for entry in browser.get_log("performance")]
    urls = [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]
    assert page.as_uri() in urls
    assert [url for url in urls if not url.startswith((page.as_uri(), "data:"))] == []
    assert browser.get_log("browser") == []
    drawn, figures = browser.execute_script(
        "return [document.querySelectorAll('.chart .main-svg').length, document.querySelectorAll('figure').length]"
    )
    assert figures >= 11
    assert drawn >= figures


def test_hostile_names_are_shown_as_text_in_tables_and_charts(browser: Chrome, page: Path) -> None:
    open_page(browser, page)
    cells, labels = browser.execute_script(
        "const texts = (q) => [...document.querySelectorAll(q)].map((e) => e.textContent);"
        "return [texts('td bdi, th bdi'), texts('.chart svg text')]"
    )
    for name in NAMES:
        assert name in cells, name[:60]
    assert any(label == SCRIPT for label in labels)
    assert any(ARABIC in label for label in labels)
    assert any("&lt;b&gt;" in label for label in labels), "an entity in the data is text, not markup"
    assert max(len(label) for label in labels) < 200
    assert browser.execute_script("return document.querySelectorAll('img, iframe, object').length") == 0
    scripts = "return [...document.scripts].filter((s) => s.type !== 'application/json').length"
    assert browser.execute_script(scripts) == 2


def test_the_content_security_policy_refuses_what_would_slip_through(browser: Chrome, page: Path) -> None:
    open_page(browser, page)
    browser.execute_script(
        "document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.slipped = 1\">');"
        "const s = document.createElement('script'); s.textContent = 'window.slipped = 2'; document.body.append(s);"
    )
    browser.execute_async_script("setTimeout(arguments[0], 500)")
    assert browser.execute_script("return window.slipped ?? 0") == 0
    assert any("Content Security Policy" in entry["message"] for entry in browser.get_log("browser"))


@pytest.mark.parametrize("width", [PHONE, 768, DESKTOP])
def test_nothing_reaches_beyond_the_side_of_the_screen(browser: Chrome, page: Path, width: int) -> None:
    open_page(browser, page, width=width)
    browser.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


def test_follows_the_reader_into_the_dark(browser: Chrome, page: Path) -> None:
    def colours() -> list[str]:
        return browser.execute_script(
            "const fill = (q) => getComputedStyle(document.querySelector(q)).fill;"
            "return [getComputedStyle(document.body).backgroundColor, fill('#drop-off svg .ytick text')]"
        )

    open_page(browser, page)
    light = colours()
    dark_media = {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", dark_media)
    browser.execute_async_script("setTimeout(arguments[0], 3000)")
    dark = colours()
    assert light[0] != dark[0]
    assert light[1] != dark[1]


def test_can_be_read_with_the_keyboard_and_by_ear(browser: Chrome, page: Path) -> None:
    from selenium.webdriver.common.action_chains import ActionChains  # noqa: PLC0415
    from selenium.webdriver.common.keys import Keys  # noqa: PLC0415

    open_page(browser, page)
    ActionChains(browser).send_keys(Keys.TAB).perform()
    assert browser.execute_script("return document.activeElement.className") == "skip"
    summary = browser.find_element("css selector", "#transitions summary")
    summary.send_keys(Keys.ENTER)
    assert browser.execute_script("return document.querySelector('#transitions details').open")
    broken = browser.execute_script(
        "return [...document.querySelectorAll('.contents a')].filter((a) => !document.querySelector(a.hash)).length"
    )
    assert broken == 0
    unnamed = browser.execute_script(
        "return [...document.querySelectorAll('section, article, nav, [role=img], [role=region]')].filter((e) => {"
        "  const by = document.getElementById(e.getAttribute('aria-labelledby'));"
        "  return !(e.getAttribute('aria-label') || by?.textContent)?.trim();"
        "}).map((e) => e.outerHTML.slice(0, 200))"
    )
    assert unnamed == []
    landmarks = browser.execute_script(
        "return ['header', 'nav', 'main', 'footer'].map((q) => document.querySelectorAll(q).length)"
    )
    assert landmarks == [1, 1, 1, 1]


def test_every_exhibit_has_its_table_and_its_csv(browser: Chrome, page: Path) -> None:
    open_page(browser, page)
    exhibits = browser.execute_script(
        "return [...document.querySelectorAll('.exhibit')].map((e) => [e.id, e.querySelectorAll('tbody tr').length,"
        " e.querySelector('a[download]').getAttribute('href')])"
    )
    assert len(exhibits) >= 14
    for key, rows, uri in exhibits:
        head, _, body = uri.partition(",")
        assert head == "data:text/csv;charset=utf-8", key
        assert rows >= 1, key
        assert unquote(body).startswith("\ufeff"), key
    text = unquote(next(uri for key, _, uri in exhibits if key == "drop-off"))
    assert f"\n'{FORMULA}," in text
    assert f"\n{FORMULA}" not in text


def test_the_keyboard_reaches_everything_and_shows_where_it_is(browser: Chrome, page: Path) -> None:
    from selenium.webdriver.common.action_chains import ActionChains  # noqa: PLC0415
    from selenium.webdriver.common.keys import Keys  # noqa: PLC0415

    open_page(browser, page)
    wanted = browser.execute_script(
        "const seen = (e) => e.checkVisibility() && e.tabIndex >= 0;"
        "window.stops = [...document.querySelectorAll('a[href], summary, [tabindex]')].filter(seen);"
        "return window.stops.length"
    )
    where = (
        "const e = document.activeElement, style = getComputedStyle(e);"
        "return [window.stops.indexOf(e), style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2, "
        "e.outerHTML.slice(0, 80)]"
    )
    reached, last = set(), -1
    for _ in range(wanted):
        ActionChains(browser).send_keys(Keys.TAB).perform()
        place, outlined, element = browser.execute_script(where)
        assert place > last, f"the order of reading is left at {element}"
        assert outlined, f"nothing shows that this has the focus: {element}"
        reached.add(place)
        last = place
    assert len(reached) == wanted


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_has_the_contrast_that_it_needs(browser: Chrome, page: Path, scheme: str) -> None:
    open_page(browser, page, scheme=scheme)
    browser.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    weak = browser.execute_script(CONTRAST)
    assert weak == []


@pytest.mark.parametrize("width", [PHONE, DESKTOP])
def test_what_scrolls_sideways_can_be_scrolled_by_keyboard(browser: Chrome, page: Path, width: int) -> None:
    open_page(browser, page, width=width)
    browser.execute_script("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    stuck = browser.execute_script(
        "return [...document.querySelectorAll('main *')].filter((e) => {"
        "  const style = getComputedStyle(e);"
        "  return e.scrollWidth > e.clientWidth + 1 && /auto|scroll/.test(style.overflowX) && e.tabIndex < 0;"
        "}).map((e) => e.outerHTML.slice(0, 120))"
    )
    assert stuck == []
