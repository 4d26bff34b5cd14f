"""One set of platform names, whatever a source calls them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column

PLATFORMS = {
    "web": ("web", "website", "browser", "www"),
    "ios": ("ios", "iphone", "ipad", "ipados", "iphone os"),
    "android": ("android", "android os"),
    "app": ("app", "mob", "mobile app"),
    "pos": ("pos", "store", "in-store", "in store", "retail", "till"),
    "phone": ("phone", "telephone", "call", "call centre", "call center", "callcenter"),
    "crm": ("crm",),
    "server": ("srv", "server", "backend"),
    "tv": ("tv", "cnsl"),
}
"""Name -> what sources call it (in any case). What stands nowhere here is kept as it was sent."""


def common_platform(sent: Column) -> Column:
    """Translate a platform into the common name; a name of the source's own is kept, null stays null."""
    aliases = {alias: name for name, sources in PLATFORMS.items() for alias in sources}
    known = F.create_map(*(F.lit(text) for pair in aliases.items() for text in pair))
    return F.coalesce(F.element_at(known, F.lower(sent)), sent)
