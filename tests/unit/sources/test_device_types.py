"""Types of devices by user agent."""

from __future__ import annotations

import pytest

from segmentation.sources.device_types import device_type_of, look_up

CHROME = "AppleWebKit/537.36 (KHTML, like Gecko) Chrome/124.0.0.0"
AGENTS = {
    "desktop": (
        f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {CHROME} Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari",
        "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:109.0) Gecko/20100101 Firefox/118.0",
        f"Mozilla/5.0 (X11; CrOS x86_64 14541.0.0) {CHROME} Safari/537.36",
        "Mozilla/5.0 (X11; FreeBSD amd64; rv:109.0) Gecko/20100101 Firefox/118.0",
    ),
    "handset": (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        f"Mozilla/5.0 (Linux; Android 13; Pixel 7) {CHROME} Mobile Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Mobile Safari/537.36",
        "Mozilla/5.0 (Android 13; Mobile; rv:109.0) Gecko/109.0 Firefox/118.0",
        "Dalvik/2.1.0 (Linux; U; Android 13; Pixel 7 Build/TQ3A)",
        "Mozilla/5.0 (Mobile; LYF/F90M; rv:48.0) Gecko/48.0 Firefox/48.0 KAIOS/2.0",
        "Mozilla/5.0 (Windows Phone 10.0; Android 4.2.1; Microsoft; Lumia 950) AppleWebKit/537.36 Mobile",
        "Mozilla/5.0 (Linux; Tizen 2.3; SAMSUNG SM-Z130H) AppleWebKit/537.3 (KHTML, like Gecko) Mobile Safari/537.3",
        "Shop/3.1 (iPhone; iOS 17.1; Scale/3.00)",
    ),
    "tablet": (
        "Mozilla/5.0 (iPad; CPU OS 16_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
        f"Mozilla/5.0 (Linux; Android 13; SM-X700) {CHROME} Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 10; K) {CHROME} Safari/537.36",
        "Mozilla/5.0 (Android 13; Tablet; rv:109.0) Gecko/109.0 Firefox/118.0",
        "Mozilla/5.0 (Linux; U; Android 4.4.3; de-de; KFTHWI Build/KTU84M) AppleWebKit/537.36 Silk/47 Safari/537.36",
        "Mozilla/5.0 (PlayBook; U; RIM Tablet OS 2.1.0; en-US) AppleWebKit/536.2+",
    ),
    "tv": (
        "Mozilla/5.0 (SMART-TV; Linux; Tizen 6.0) AppleWebKit/537.36 (KHTML, like Gecko) Version/6.0 TV Safari/537.36",
        f"Mozilla/5.0 (Web0S; Linux/SmartTV) {CHROME} Safari/537.36 WebAppManager",
        f"Mozilla/5.0 (Linux; Android 9; BRAVIA 4K GB) {CHROME} Safari/537.36",
        f"Mozilla/5.0 (Linux; Android 5.1; AFTS Build/LMY47O) {CHROME} Safari/537.36",
        "Mozilla/5.0 (X11; Linux armv7l) AppleWebKit/537 (KHTML, like Gecko) QtEmbedded HbbTV/1.2.1",
        "AppleTV11,1/11.1",
        "Roku/DVP-9.10 (519.10E04111A)",
    ),
    "watch": (
        f"Mozilla/5.0 (Linux; Android 8.1.0; SM-R805U) {CHROME} Mobile Safari/537.36",
        "Shop/1.0 (com.shop.watch; build:2; watchOS 9.1.0) Alamofire/5",
        "Shop/1.0 CFNetwork/1240.0.4 Darwin/20.5.0 (Apple Watch; watchOS 7.5)",
    ),
    "other": (
        "Mozilla/5.0 (PlayStation; PlayStation 5/2.26) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.0",
        "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
        "Shop/3 CFNetwork/1408.0.4 Darwin/22.5.0",
        "python-requests/2.31.0",
        "aftermarket parts",
        "-",
        "\u00e4\u0000\U0001f600",
    ),
}


@pytest.mark.parametrize(("kind", "agent"), [(kind, agent) for kind, agents in AGENTS.items() for agent in agents])
def test_device_type_of__agents_of_each_type(kind: str, agent: str) -> None:
    assert device_type_of(agent) == kind


def test_look_up__only_agents_whose_type_is_known() -> None:
    iphone, script = AGENTS["handset"][0], "python-requests/2.31.0"
    assert look_up([iphone, script]) == {iphone: "handset"}
