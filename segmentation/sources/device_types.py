"""Name the kind of device of an event: by what the source calls it, or by the user agent."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from segmentation.frames import small_frame
from segmentation.tables.events import DEVICE_TYPES

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from pyspark.sql import Column, DataFrame

DESKTOP, HANDSET, TABLET, TV, WATCH, OTHER = DEVICE_TYPES
SENT = {
    DESKTOP: ("desktop", "computer", "personal computer", "pc", "laptop", "notebook", "mac"),
    HANDSET: ("handset", "mobile", "mobile phone", "cell phone", "phone", "smartphone", "feature phone", "phablet",
              "iphone"),
    TABLET: ("tablet", "ipad"),
    TV: ("tv", "smart tv", "smarttv", "connected tv", "connected_tv", "ctv", "television", "digital media receiver",
         "set-top box", "set top box"),
    WATCH: ("watch", "smartwatch", "smart watch", "wearable"),
}  # fmt: skip
"""Type -> what sources call it, in any case. Another name, such as that of a game console, is `other`."""
NOT_TOLD = (
    "unknown", "(not set)", "undefined", "none", "null", "n/a", "ios", "android",
    "server", "srv", "backend", "pos", "till", "store", "call", "crm",
)  # fmt: skip
"""Names that tell no type: placeholders, operating systems, and platforms without a device of the user."""
PLATFORMS_WITHOUT_DEVICE = ("server", "pos", "phone", "crm")
"""Platforms whose user agent, if there is one, is not that of a user's device."""
AGENT = "agent"
"""Column beside parsed records: the user agent of a record whose type the source does not tell."""
MOST_AGENTS = 100_000
"""User agents of a batch that are looked up at most, the most frequent first; the type of all others is `other`."""
FEW_AGENTS = 200
"""User agents that are compared one by one; more are joined."""

_TV = re.compile(
    r"\bTV\b|AppleTV|SmartTV|GoogleTV|HbbTV|Web0S|NetCast|VIERA|BRAVIA|AQUOS|(?-i:\bAFT[A-Z0-9]+\b)|CrKey|Roku"
    r"|Chromecast|\bDTV|\bSTB\b|Large Screen",
    re.IGNORECASE,
)
_WATCH = re.compile(r"(?:\b|smart)watch(?:\b|OS)|\bWear ?OS\b|\bSM-R\d{3}", re.IGNORECASE)
_TABLET = re.compile(r"\biPad|\btablet\b|PlayBook|Kindle|\bSM-[TX]\d{3}|\bSilk/", re.IGNORECASE)
_HANDSET = re.compile(
    r"iPhone|iPod|Windows (?:Phone|Mobile|CE)|BlackBerry|BB10|Symbian|KaiOS|Smartphone|Feature Phone", re.IGNORECASE
)
_NO_DEVICE = ("Spider",)
_NEITHER = re.compile(r"PlayStation|Xbox|Nintendo|\bQuest\b|Oculus|\bVR\b", re.IGNORECASE)
_DESKTOPS = re.compile(
    r"Windows|Mac OS X|Linux|Ubuntu|Debian|Fedora|Red Hat|SUSE|Mint|CentOS|Gentoo|Arch|Chrome OS|(?:Free|Open|Net)BSD"
    r"|Solaris"
)


class Agent(NamedTuple):
    """A user agent with the device and the operating system that ua-parser names."""

    text: str
    device: str
    """Family of the device; empty: not recognised."""
    system: str
    """Family of the operating system; empty: not recognised."""


def common_device_type(sent: Column) -> Column:
    """Translate the name of a type; null if it is null or a placeholder."""
    name = F.lower(F.trim(sent))
    known = {alias: kind for kind, aliases in SENT.items() for alias in aliases}
    kinds = F.create_map(*(F.lit(text) for pair in known.items() for text in pair))
    return F.when(~name.isin(*NOT_TOLD), F.coalesce(F.element_at(kinds, name), F.lit(OTHER)))


def agent_to_look_up(device_type: Column, agent: Column, platform: Column) -> Column:
    """Return the user agent to look up for a record; null if its type is known, or it has no agent or no device."""
    has_device = F.coalesce(~platform.isin(*PLATFORMS_WITHOUT_DEVICE), F.lit(True))
    return F.when(device_type.isNull() & has_device, F.nullif(F.trim(agent), F.lit("")))


def device_types_of(parsed: DataFrame) -> dict[str, str]:
    """Look the distinct user agents of parsed records up, on the driver; at most MOST_AGENTS of them."""
    if AGENT not in parsed.columns:
        return {}
    counted = parsed.where(F.col(AGENT).isNotNull()).groupBy(AGENT).agg(F.count(F.lit(1)).alias("n"))
    rows = counted.orderBy(F.desc("n"), AGENT).limit(MOST_AGENTS).collect()
    return look_up(row[AGENT] for row in rows)


def look_up(agents: Iterable[str]) -> dict[str, str]:
    """Return user agent -> type, without those whose type is `other`."""
    types = ((agent, device_type_of(agent)) for agent in agents)
    return {agent: kind for agent, kind in types if kind != OTHER}


def fill_device_types(parsed: DataFrame, types: Mapping[str, str]) -> DataFrame:
    """Fill the types of records whose user agent was looked up, and drop the user agent.

    Grain: a parsed record in, the same record out. A user agent without a type is that of an `other` device.
    """
    if AGENT not in parsed.columns:
        return parsed
    columns = [name for name in parsed.columns if name != AGENT]
    agent, other = F.col(AGENT), F.when(F.col(AGENT).isNotNull(), F.lit(OTHER))
    if len(types) <= FEW_AGENTS:
        by_type = {kind: [one for one, found in types.items() if found == kind] for kind in sorted(set(types.values()))}
        told = F.coalesce(*(F.when(agent.isin(*agents), kind) for kind, agents in by_type.items()), other)
        filled = F.coalesce("device_type", told).alias("device_type")
        return parsed.select(*(filled if name == "device_type" else name for name in columns))
    schema = StructType().add(AGENT, "string").add("_device_type", "string")
    listed = F.broadcast(small_frame(parsed.sparkSession, types.items(), schema))
    filled = F.coalesce("device_type", "_device_type", other).alias("device_type")
    joined = parsed.join(listed, AGENT, "left")
    return joined.select(*(filled if name == "device_type" else name for name in columns))


@lru_cache(maxsize=MOST_AGENTS)
def device_type_of(agent: str) -> str:
    """Return the type of the device that sent a user agent.

    An iPad whose browser asks for desktop pages says that it is a Mac, and is one here.
    """
    from ua_parser import parse_device, parse_os  # noqa: PLC0415  only sources with user agents pay for loading it

    device, system = parse_device(agent), parse_os(agent)
    return _type_of(Agent(agent, device.family if device else "", system.family if system else ""))


def _type_of(agent: Agent) -> str:
    told = f"{agent.device} {agent.system} {agent.text}"
    if agent.device in _NO_DEVICE or _NEITHER.search(told):
        return OTHER
    by_name = {TV: _TV, WATCH: _WATCH, TABLET: _TABLET, HANDSET: _HANDSET}
    named = next((kind for kind, pattern in by_name.items() if pattern.search(told)), None)
    if named is not None:
        return named
    if agent.system == "Android":
        # Browsers of telephones say Mobile, those of tablets do not. Apps say neither.
        is_tablet = agent.text.startswith("Mozilla/") and "Mobile" not in agent.text
        return TABLET if is_tablet else HANDSET
    if "Mobile" in agent.text:
        return HANDSET
    return DESKTOP if _DESKTOPS.match(agent.system) else OTHER
