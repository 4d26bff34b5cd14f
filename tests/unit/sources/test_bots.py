"""Agents of machines are found by their words and names, and browsers of people are not."""

from __future__ import annotations

import re

import pytest

from segmentation.sources.bots import KNOWN, PATTERN_OF_NAMES, PLAIN_BROWSER

MACHINES = (
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "LinkedInBots (crawls links)",
    "Feedbin feed-id:1373711 - 142 subscribers",
    "NewsBlur Feed Fetcher - 1 subscriber - http://www.newsblur.com/site/1/webpage",
    "FreshRSS/1.21.0 (Linux; https://freshrss.org)",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/134.0 Safari/537.36 (Checkly, x)",
    "StatusCake_Pagespeed_indev",
    "check_http/v2.3.3 (nagios-plugins 2.3.3)",
    "HetrixTools Uptime Monitoring Bot. https://hetrix.tools/uptime-monitoring-bot.html",
    "meta-externalfetcher/1.1",
    "Xenu Link Sleuth/1.3.8",
    "W3C_I18n-Checker/1.0",
    "Mozilla/5.0 (compatible; Cloudflare-Traffic-Manager/1.0; +https://www.cloudflare.com/traffic-manager/)",
)
PEOPLE = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/120.0 Safari/537.36",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_2 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.15; rv:121.0) Gecko/20100101 Firefox/121.0",
    "Mozilla/5.0 (Linux; Android 12; CUBOT_X30) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/99 Mobile Safari/537.36",
    "Dalvik/2.1.0 (Linux; U; Android 12; CUBOT P50 Build/SP1A.210812.016)",
    "Mozilla/5.0 (Linux; Android 13; SM-S918B; wv) AppleWebKit/537.36 Chrome/119.0 [FB_IAB/FB4A;FBAV/440.0.0.32.109;]",
    "Mozilla/5.0 (SMART-TV; LINUX; Tizen 6.0) AppleWebKit/537.36 Version/6.0 TV Safari/537.36",
    "Opera/9.80 (Windows NT 6.1; WOW64) Presto/2.12.388 Version/12.18",
    "okhttp/4.12.0",
    "MyShop/7.1 CFNetwork/1410.0.3 Darwin/22.6.0",
    "Mozilla/5.0 (X11; U; Linux; ru; rv:1.9) Gecko/2008 YaBrowser/24.1 Yowser/2.5",
)


def is_bot(agent: str) -> bool:
    """Judge an agent as `is_known_bot` does."""
    by_word = re.search("|".join(KNOWN), agent.lower())
    return bool(by_word or (not re.search(PLAIN_BROWSER, agent) and re.search(PATTERN_OF_NAMES, agent)))


@pytest.mark.parametrize("agent", MACHINES)
def test_machines_are_found(agent: str) -> None:
    assert is_bot(agent)


@pytest.mark.parametrize("agent", PEOPLE)
def test_people_are_not(agent: str) -> None:
    assert not is_bot(agent)
