"""Machines that say so: user agents of crawlers, monitors, previews and scripts."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column

KNOWN = (
    r"(?<!cu)bot\b", r"(?<!cu)bot[/;_\-]",  # Cubot is a maker of telephones
    "crawl", "spider", "slurp", "scrap", "archiver", "facebookexternalhit", "whatsapp/", "mediapartners",
    "feedfetcher", "preview", "pingdom", "uptime", "monitor", "lighthouse", "pagespeed", "headless",
    "phantomjs", "selenium", r"python-requests", r"python-urllib", r"aiohttp", r"curl/", r"wget/", r"libwww",
    r"go-http-client", r"java/\d", "apache-httpclient", "node-fetch", "axios/", "postmanruntime", "httpie",
)  # fmt: skip
"""Parts of user agents, in any case. People's browsers and apps have none of these."""


def is_known_bot(agent: Column) -> Column:
    """Tell whether a user agent is a machine's by its own account; null where there is none."""
    return F.rlike(F.lower(agent), F.lit("|".join(KNOWN)))
