"""Recognise machines by their user agent: crawlers, monitors, feed readers, previews and scripts."""

from __future__ import annotations

import re
from itertools import groupby
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.sources.crawlers import NAMES

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import Column

KNOWN = (
    r"(?<!cu)bots?\b", r"(?<!cu)bots?[/;_\-]",  # Cubot is a maker of telephones
    "crawl", "spider", "slurp", "scrap", "archiver", "facebookexternalhit", "whatsapp/", "mediapartners",
    "feedfetcher", "preview", "pingdom", "uptime", "monitor", "lighthouse", "pagespeed", "headless",
    "phantomjs", "selenium", r"python-requests", r"python-urllib", r"aiohttp", r"\bhttpx/", r"curl/", r"wget/",
    r"libwww", r"go-http-client", r"java/\d", "apache-httpclient", "node-fetch", "axios/", "postmanruntime", "httpie",
    r"\+https?://",  # the address of its owner, which browsers do not send
    r"feed(?:er|ly|bin|burner|demon|wrangler| ?parser| ?fetcher|validator)?[/ ;:]", r"rss\b",
    "checker", "validator", "statuscake", "site24x7", "check_http", "nagios", "zabbix", "newrelicpinger", "gtmetrix",
    "catchpoint", "datadog",
)  # fmt: skip
"""Parts of user agents, in any case. Browsers and apps of people have none of these."""


PLAIN_BROWSER = (
    r"^Mozilla/5\.0 \((?:Windows NT [\d.]+(?:; Win64; x64|; WOW64)?|Macintosh; Intel Mac OS X [\d_.]+|X11; Linux x86_64"
    r"|iPhone; CPU iPhone OS [\d_]+ like Mac OS X|iPad; CPU OS [\d_]+ like Mac OS X"
    r"|Linux; Android [\d.]+; [^;()]{1,40})"
    r"(?:; rv:[\d.]+)?\) (?:AppleWebKit/[\d.]+ \(KHTML, like Gecko\)|Gecko/\d+)"
    r"(?: (?:Chrome|Safari|Version|Firefox|Edg|EdgA|OPR|CriOS|FxiOS|SamsungBrowser|Mobile)/[\w.]+| Mobile)*$"
)
"""Agents of the usual browsers with nothing added, in which none of the listed names needs to be looked for."""


def is_known_bot(agent: Column) -> Column:
    """Return whether a user agent is a machine's by its own account; null where there is none."""
    by_word = F.rlike(F.lower(agent), F.lit("|".join(KNOWN)))
    by_name = F.when(F.rlike(agent, F.lit(PLAIN_BROWSER)), F.lit(False))
    return F.when(by_word, F.lit(True)).otherwise(by_name.otherwise(F.rlike(agent, F.lit(PATTERN_OF_NAMES))))


def _at_words(names: Iterable[str]) -> str:
    """Return one pattern of names that begin a word, by their first character, so that few are tried at a place."""
    plain = sorted({name for name in names if re.match(r"[A-Za-z0-9]", name) and not re.search(r"[|?*]", name)})
    others = [name for name in names if name not in plain]
    by_first = (f"{first}(?:{'|'.join(n[1:] for n in same)})" for first, same in groupby(plain, key=lambda n: n[0]))
    return rf"(?<![A-Za-z0-9])(?:{'|'.join(by_first)})|{'|'.join(f'(?:{name})' for name in others)}"


PATTERN_OF_NAMES = _at_words(NAMES)
"""One regular expression of the listed names."""
