"""Describe a Kafka topic as a source, and plan which ranges of its offsets are ingested next."""

from __future__ import annotations

import hashlib
import re
from typing import TYPE_CHECKING, Literal, NamedTuple
from urllib.parse import unquote

from pydantic import Field, model_validator

from segmentation.errors import DataError
from segmentation.parameters import Parameters
from segmentation.sources.schema_registry import check_registry
from segmentation.sources.secrets import ClientOptions, fill_in

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

KEY = "kafka_key"
HEADERS = "kafka_headers"
TOPIC = "kafka_topic"
PARTITION = "kafka_partition"
OFFSET = "kafka_offset"
TIMESTAMP = "kafka_timestamp"
MESSAGE_COLUMNS = (KEY, HEADERS, TOPIC, PARTITION, OFFSET, TIMESTAMP)
"""Raw columns of every message, beside those that its value is parsed into."""

LANDED_PATH = re.compile(r"/([^/]+)/([^/]+)/(\d+)/(\d+)-(\d+)\.parquet$")
"""End of the path of a landed range: source, topic, partition, from, until."""
DEFAULTS = {
    # What an aborted transaction wrote was never sent; reading must not make a topic.
    "isolation.level": "read_committed",
    "allow.auto.create.topics": "false",
}


class KafkaParams(Parameters):
    """The topic that a source's records come from. None of this shapes the tables: it is left out of fingerprints."""

    bootstrap_servers: str
    """`host:port` of brokers, separated by commas; `${NAME}` is taken from the environment."""
    topic: str = Field(pattern=r"^[A-Za-z0-9._-]{1,249}$")
    options: ClientOptions = Field(default_factory=dict)
    """Settings of Kafka's client (security.protocol, sasl.jaas.config ...). `${NAME}` is taken from the environment,
    `${file:/path}` from a file; passwords cannot be written out."""
    range_messages: int = Field(default=500_000, ge=1)
    """Offsets of a partition that land as one file at most."""
    lost_offsets: Literal["stop", "skip"] = "stop"
    """Action if the broker has deleted messages that were not ingested: end with exit code 3, or skip them."""

    registry: str | None = None
    """Address of the schema registry (Confluent's API), for messages in Avro."""
    registry_login: str | None = Field(default=None, pattern=r"^\$\{[^{}]+\}$")
    """`${NAME}` of the environment, or `${file:/path}`, that holds `user:password` for the registry."""

    @model_validator(mode="after")
    def _reachable_registry(self) -> KafkaParams:
        if self.registry is not None:
            check_registry(self.registry, has_login=self.registry_login is not None)
        elif self.registry_login is not None:
            raise ValueError("registry_login is the login of a registry: set registry")
        return self

    def client(self) -> dict[str, str]:
        """Return the settings of Kafka's client, secrets in their places: not to be shown or stored.

        Raises:
            ConfigurationError: a variable is not set or a file cannot be read; names it.
        """
        given = {"bootstrap.servers": self.bootstrap_servers, **DEFAULTS, **self.options}
        return {name: fill_in(text, "kafka") for name, text in given.items()}


class OffsetRange(NamedTuple):
    """Messages of a partition from one offset to another, exclusive: an input unit."""

    topic: str
    partition: int
    first: int
    until: int

    def path(self) -> str:
        """Return the path of the landed range, below the source's folder."""
        return f"{self.topic}/{self.partition}/{self.first}-{self.until}.parquet"

    def unit_id(self, source: str) -> str:
        """Identity of the unit: a range that lands again, elsewhere or at another time, is the same one."""
        parts = (source, self.topic, str(self.partition), str(self.first), str(self.until))
        return hashlib.sha256("\u001f".join(parts).encode()).hexdigest()[:16]


def landed_range(path: str) -> OffsetRange | None:
    """Read the range from the path of a landed file; None: it is another file."""
    found = LANDED_PATH.search(path)
    if found is None:
        return None
    _, topic, partition, first, until = found.groups()
    return OffsetRange(topic, int(partition), int(first), int(until))


def landing_folder(path: str) -> str:
    """Return the folder in which the messages of the source land, from the path of one of its files.

    Raises:
        ValueError: the path is not one of a landed range.
    """
    found = LANDED_PATH.search(unquote(path))
    if found is None:
        raise ValueError(f"{path} is not a landed range")
    return f"{unquote(path)[: found.start()]}/{found.group(1)}"


class OffsetLimits(NamedTuple):
    """Offsets that a broker has of a partition: from `earliest` to `latest`, exclusive."""

    earliest: int
    latest: int


class Standing(NamedTuple):
    """Progress of a partition."""

    next: int
    """First offset that was not ingested."""
    landed: Mapping[int, OffsetRange]
    """First offset -> range that has landed and is not ingested: a crash left it, or its tables were lost."""

    @property
    def reach(self) -> int:
        """Return the first offset that neither was ingested nor has landed."""
        until = self.next
        while until in self.landed:
            until = self.landed[until].until
        return until


def standings(
    topic: str, taken: Iterable[OffsetRange], landed: Iterable[OffsetRange], limits: Mapping[int, OffsetLimits]
) -> dict[int, Standing]:
    """Compute for each partition the next offset, from the ingested ranges alone.

    A partition of which nothing was ingested begins with the first range that has landed, else with the broker's
    earliest message.
    """
    done = {one for one in taken if one.topic == topic}
    waiting: dict[int, dict[int, OffsetRange]] = {partition: {} for partition in limits}
    for one in sorted(set(landed) - done):
        if one.topic == topic:
            waiting.setdefault(one.partition, {})[one.first] = one
    ends: dict[int, int] = {}
    for one in done:
        ends[one.partition] = max(one.until, ends.get(one.partition, 0))
    found = {}
    for partition in sorted({*waiting, *ends}):
        left = waiting.get(partition, {})
        begin = min(left) if left else limits[partition].earliest if partition in limits else 0
        found[partition] = Standing(ends.get(partition, begin), left)
    return found


def plan_round(
    topic: str, places: Mapping[int, Standing], limits: Mapping[int, OffsetLimits], size: int
) -> list[OffsetRange]:
    """Choose the next range of every partition that has more: one that has landed, else at most `size` offsets."""
    ranges = []
    for partition, (first, landed) in sorted(places.items()):
        begin = max(first, limits[partition].earliest)
        latest = limits[partition].latest
        if first in landed:
            ranges.append(landed[first])
        elif begin < latest:
            ranges.append(OffsetRange(topic, partition, begin, min(begin + size, latest)))
    return ranges


def advanced(places: Mapping[int, Standing], ranges: Iterable[OffsetRange]) -> dict[int, Standing]:
    """Return the progress of the partitions after the ranges are ingested."""
    ends = {one.partition: one.until for one in ranges}
    return {partition: Standing(ends.get(partition, at.next), at.landed) for partition, at in places.items()}


def check_lost(params: KafkaParams, places: Mapping[int, Standing], limits: Mapping[int, OffsetLimits]) -> list[str]:
    """Compare the next offsets with those that the broker still has.

    Returns:
        A note for every gap, where `lost_offsets` is skip.

    Raises:
        DataError: messages were deleted before they were ingested, or the topic was made anew; names the offsets.
    """
    notes = []
    for partition, place in places.items():
        held, name = limits.get(partition), f"{params.topic}-{partition}"
        if held is None or held.latest < place.reach:
            latest = held.latest if held else "not there"
            raise DataError(
                f"{name}: offsets up to {place.reach} were ingested, but the broker's end is {latest}: the topic was "
                "made anew or cut off. Offsets that begin again are no identity: send to a topic of another name"
            )
        if held.earliest > place.reach:
            gap = f"{name}: offsets {place.reach} to {held.earliest - 1} were deleted before they were ingested"
            if params.lost_offsets == "stop":
                raise DataError(f"{gap}; to go on without them set kafka.lost_offsets: skip in the mapping")
            notes.append(gap)
    return notes
