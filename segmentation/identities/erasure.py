"""Find the stored records of one person, and the names that they are found by."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import normalize

from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from segmentation.checkpoints import checkpoint_counted
from segmentation.frames import small_frame, union_all
from segmentation.identities.params import BETWEEN
from segmentation.ingest.copies import IDENTITY
from segmentation.ingest.earlier_records import stored_payloads
from segmentation.ingest.snapshot import Erased
from segmentation.sources.identifiers import compose_identifier
from segmentation.tables.table import STRING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import DataFrame

    from segmentation.ingest.snapshot import Snapshot

NAME = "user_id"
_OF_A_NAME = r"[\p{L}\p{N}_.@+-]"
"""Signs that make a longer name of one: `anna` is not found in `anna@example.org` or `hanna`."""


class PersonTraces(NamedTuple):
    """The stored records of a person, and the names that they are found by."""

    person: str
    """As in `events.user_id`."""
    names: tuple[str, ...]
    """The person, and identifiers that no other person has; sorted."""
    records: Erased
    """Their events; the duplicates of these, and of their too late events or those beyond the cap; and the rows of
    `quarantine` whose text contains one of the names, not as part of a longer one."""

    def sources(self) -> list[str]:
        """Return the sources of their records, sorted."""
        parts = (self.records.events, self.records.duplicates, self.records.quarantined)
        named = union_all(part.rows.select("source") for part in parts).distinct()
        return sorted(row["source"] for row in named.collect())  # a row per source

    def of_source(self, source: str) -> Erased:
        """Return their records of one source."""
        parts = (self.records.events, self.records.duplicates, self.records.quarantined)
        events, copies, rejected = (checkpoint_counted(part.where(F.col("source") == source)) for part in parts)
        return Erased(events, copies, rejected)

    def name_frame(self) -> DataFrame:
        """Return the names as rows of one column, user_id."""
        spark = self.records.events.rows.sparkSession
        return small_frame(spark, [(name,) for name in self.names], StructType().add(NAME, STRING))


def find_traces(person: str, snapshot: Snapshot, identities: DataFrame) -> PersonTraces:
    """Find the records of a person.

    Sealed text of quarantined records cannot be searched. Text is compared composed (NFC), as it stands and as JSON
    writes it.

    Args:
        person: as in `events.user_id`.
        snapshot: the published tables.
        identities: the table, empty where there is none.
    """
    events = checkpoint_counted(snapshot.events.where(F.col(NAME) == person))
    names = _names(person, events.rows, snapshot.events, identities)
    text = compose_identifier(F.concat_ws("\n", "raw", "event_id"))
    rejected = checkpoint_counted(snapshot.quarantine.where(text.rlike(name_pattern(names))))
    payloads = stored_payloads(events.rows, rejected.rows)
    copies = snapshot.duplicates.join(payloads, [*IDENTITY, "payload_hash"], "left_semi")
    return PersonTraces(person, names, Erased(events, checkpoint_counted(copies), rejected))


def name_pattern(names: Iterable[str]) -> str:
    """Write a Java regular expression that finds any of the names in composed text, as is and as JSON writes them."""
    composed = {normalize("NFC", name) for name in names}
    spelled = sorted({form for name in composed for form in (name, json.dumps(name, ensure_ascii=False)[1:-1])})
    return f"(?<!{_OF_A_NAME})(?:{'|'.join(re.escape(one) for one in spelled)})(?!{_OF_A_NAME})"


def _names(person: str, theirs: DataFrame, events: DataFrame, identities: DataFrame) -> tuple[str, ...]:
    """List what a person is called; an identifier that other persons had too is no name of theirs."""
    sent = theirs.select(F.col("identifier").alias(NAME)).distinct()
    of_others = events.where(F.col(NAME) != person).select(F.col("identifier").alias(NAME))
    alone = sent.join(of_others, NAME, "left_anti")
    of = F.col("person_id")
    has, others = of == person, (of != person) & (of != F.col("identifier"))
    grouped = identities.groupBy("identifier").agg(F.bool_or(has).alias("has"), F.bool_or(others).alias("others"))
    declared = grouped.where("has AND NOT others").select(F.col("identifier").alias(NAME))
    found = {row[NAME] for row in alone.union(declared).collect()}  # one person's identifiers
    bare = {name.partition(BETWEEN)[2] for name in (*found, person) if BETWEEN in name}
    return tuple(sorted({person, *found, *bare} - {""}))
