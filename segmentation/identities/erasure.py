"""All that is stored of one person: which rows they are, and what it changes that they go."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple
from unicodedata import normalize

from pyspark.sql import functions as F
from pyspark.sql.types import StructType

from segmentation.checkpoints import checkpoint, checkpoint_counted, no_rows
from segmentation.frames import small_frame, union_all
from segmentation.identities.params import BETWEEN
from segmentation.ingest.changes import Deletion, TableChange
from segmentation.ingest.copies import IDENTITY
from segmentation.ingest.earlier_records import stored_payloads
from segmentation.ingest.ledger import count_stages, noted, rejected_rows
from segmentation.ingest.restate import restate
from segmentation.quality.reasons import Reason
from segmentation.sources.identifiers import compose_identifier
from segmentation.tables import DUPLICATES, EVENT, INGEST_LEDGER, QUARANTINE, RECORD_KEY
from segmentation.tables.ingest_ledger import ACCEPTED, DUPLICATE
from segmentation.tables.table import STRING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from pyspark.sql import DataFrame

    from segmentation.ingest.changes import Store
    from segmentation.ingest.snapshot import Snapshot
    from segmentation.parameters import WorkspaceParams
    from segmentation.sessions.params import SessionParams

NAME = "user_id"
_OF_A_NAME = r"[\p{L}\p{N}_.@+-]"
"""What may stand beside a character of a name, so that `anna` is not found in `anna@example.org` or `hanna`."""


class PersonTraces(NamedTuple):
    """What is stored of a person; all held."""

    names: tuple[str, ...]
    """What they are called: the person, and identifiers that are nobody else's; sorted."""
    events: DataFrame
    """Rows of `events`."""
    copies: DataFrame
    """Rows of `duplicates`: copies of those, and of events that were held as too late or beyond the cap."""
    rejected: DataFrame
    """Rows of `quarantine` whose text holds one of the names, not as part of a longer one."""

    def records(self) -> DataFrame:
        """Return the positions (unit_id, record_no) of all their records."""
        return union_all(rows.select(*RECORD_KEY) for rows in (self.events, self.copies, self.rejected))

    def name_frame(self) -> DataFrame:
        """Return the names as rows of one column, user_id."""
        return small_frame(self.events.sparkSession, [(name,) for name in self.names], StructType().add(NAME, STRING))


def find_traces(person: str, snapshot: Snapshot, identities: DataFrame) -> PersonTraces:
    """Find the records of a person.

    Sealed text of quarantined records cannot be searched. Text is compared composed (NFC), as it stands and as JSON
    writes it.

    Args:
        person: as in `events.user_id`.
        snapshot: the published tables.
        identities: the table, empty where there is none.
    """
    theirs = checkpoint(snapshot.events.where(F.col(NAME) == person))
    names = _names(person, theirs, snapshot.events, identities)
    text = compose_identifier(F.concat_ws("\n", "raw", "event_id"))
    rejected = checkpoint(snapshot.quarantine.where(text.rlike(name_pattern(names))))
    copies = snapshot.duplicates.join(stored_payloads(theirs, rejected), [*IDENTITY, "payload_hash"], "left_semi")
    return PersonTraces(names, theirs, checkpoint(copies), rejected)


def name_pattern(names: Iterable[str]) -> str:
    """Write a Java regular expression that finds any of the names in composed text, as is and as JSON writes them."""
    composed = {normalize("NFC", name) for name in names}
    spelled = sorted({form for name in composed for form in (name, json.dumps(name, ensure_ascii=False)[1:-1])})
    return f"(?<!{_OF_A_NAME})(?:{'|'.join(re.escape(one) for one in spelled)})(?!{_OF_A_NAME})"


def plan_erasure(
    traces: PersonTraces, snapshot: Snapshot, store: Store, *, sessions: SessionParams, workspace: WorkspaceParams
) -> tuple[TableChange, ...]:
    """Remove all records of a person, as if they had never been received.

    Sessions, user days and transitions follow. The ledger's rows of every stage shrink by what is removed, so that it
    still adds up.

    Args:
        traces: of :func:`find_traces`.
        snapshot: the same tables.
        store: writes a change of `events` or `sessions` and returns the rows.
        sessions: session parameters.
        workspace: reporting zone, currency and conversion events.
    """
    nothing = no_rows(traces.events.select(*EVENT))
    removed = checkpoint_counted(traces.events)
    restated = restate(removed, nothing, snapshot, store, sessions=sessions, workspace=workspace)
    unparsable = (F.col("reason") == Reason.MALFORMED.value).alias("unparsable")
    rejected = traces.rejected.select("*", unparsable)
    erased = count_stages([noted(traces.events, ACCEPTED), noted(traces.copies, DUPLICATE), rejected_rows(rejected)])
    return (
        *restated,
        *(
            TableChange(table, (Deletion(rows.select(*RECORD_KEY), RECORD_KEY),))
            for table, rows in ((DUPLICATES, traces.copies), (QUARANTINE, traces.rejected))
        ),
        TableChange(INGEST_LEDGER, corrections=erased.withColumn("records", -F.col("records"))),
    )


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
