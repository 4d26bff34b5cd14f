"""The tables that hold rows of a person, for erasing and for exporting them, and the rows of one person in each."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.identities.erasure import NAME
from segmentation.ingest.derived import DERIVED
from segmentation.tables import (
    DUPLICATES,
    EVENTS,
    IDENTITIES,
    IDENTITY_EVIDENCE,
    INGEST_LEDGER,
    ORDER_EVENTS,
    QUARANTINE,
    RECORD_KEY,
    SESSIONS,
    USER_DAYS,
)
from segmentation.tables.reference import all_tables

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.identities.erasure import PersonTraces
    from segmentation.ingest.snapshot import Snapshot
    from segmentation.lake.lake import Lake
    from segmentation.tables import Table

RESTATED = (EVENTS, *DERIVED, ORDER_EVENTS, QUARANTINE, DUPLICATES, INGEST_LEDGER)
"""Tables of ingest: a person's records are found in them, and all rows that depend on these follow."""
OF_USERS = tuple(table for table in all_tables() if NAME in table.names and table not in RESTATED)
"""Tables computed from those above at some cut, with a row per user and cut."""
OF_IDENTIFIERS = {IDENTITIES: ("person_id", "identifier"), IDENTITY_EVIDENCE: ("identifier", "beside")}
"""Tables about identifiers, and their columns that may hold a name of a person."""
PERSONAL = (EVENTS, SESSIONS, USER_DAYS, ORDER_EVENTS, QUARANTINE, DUPLICATES, *OF_USERS, *OF_IDENTIFIERS)
"""All tables that hold rows of persons; the others hold counts over many."""


def rows_of_person(lake: Lake, traces: PersonTraces, snapshot: Snapshot) -> dict[Table, DataFrame]:
    """Return the rows of a person in each table of PERSONAL that exists.

    Erasure deletes these rows. Rows of `quarantine` are those whose text holds a name of the person.

    Args:
        lake: the lake.
        traces: the records and names of the person.
        snapshot: the published tables of ingest.
    """
    records, names = traces.records, traces.name_frame()
    person = F.col(NAME) == traces.person
    orders = snapshot.order_events.join(records.events.rows.select(*RECORD_KEY), list(RECORD_KEY), "left_semi")
    found = {
        EVENTS: records.events.rows,
        SESSIONS: snapshot.sessions.where(person),
        USER_DAYS: snapshot.user_days.where(person),
        ORDER_EVENTS: orders,
        QUARANTINE: records.quarantined.rows,
        DUPLICATES: records.duplicates.rows,
    }
    found |= {table: lake.read(table).join(names, NAME, "left_semi") for table in OF_USERS}
    for table, columns in OF_IDENTIFIERS.items():
        is_named = (F.coalesce(F.col(column).isin(*traces.names), F.lit(False)) for column in columns)
        found[table] = lake.read(table).where(reduce(or_, is_named))
    return {table: found[table] for table in PERSONAL if lake.version(table) is not None}


def json_rows(rows: DataFrame, table: Table) -> DataFrame:
    """Write each row as a JSON object with all columns of the table, in the order of its key.

    Instants are UTC with microseconds, and a null column is null. The frame has one column.
    """
    options = {"ignoreNullFields": "false", "timestampFormat": "yyyy-MM-dd'T'HH:mm:ss.SSSSSSXXX"}
    written = F.to_json(F.struct(*table.names), options).alias("json")
    return rows.orderBy(*table.key).select(written)
