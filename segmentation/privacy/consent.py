"""Consent per person and purpose: read from events, and respected wherever users are chosen."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.event_order import order_key
from segmentation.event_properties import read_property
from segmentation.frames import conform, empty_frame, union_all
from segmentation.privacy.params import PROPERTY
from segmentation.tables import CONSENTS
from segmentation.tables.events import ORDER

if TYPE_CHECKING:
    from pyspark.sql import Column, DataFrame

    from segmentation.privacy.params import ConsentEvent, ConsentParams

YES = ("true", "1", "yes", "granted")
"""Texts of a property that grant, in any case. Any other text, and none, withdraws."""


def build_consents(events: DataFrame, params: ConsentParams) -> DataFrame:
    """Find the current consents of all users.

    Grain: accepted events in; a person and a purpose out, by the newest event that tells, in the order of events. All
    events count, whatever the cut: who withdraws today is in no computation of tomorrow, of a past day either. An event
    without a purpose tells nothing.

    Args:
        events: accepted events under the persons as known.
        params: which events tell, and where.
    """
    if not params.events:
        return empty_frame(events.sparkSession, CONSENTS.schema)
    told = union_all(_told(events, name, spec) for name, spec in sorted(params.events.items()))
    newest = F.max_by(F.struct("granted", "event_at"), order_key()).alias("newest")
    latest = told.groupBy("user_id", "purpose").agg(newest)
    decided = F.col("newest.event_at").alias("decided_at")
    return conform(latest.select("user_id", "purpose", F.col("newest.granted").alias("granted"), decided), CONSENTS)


def select_consented(users: DataFrame, consents: DataFrame, params: ConsentParams) -> DataFrame:
    """Keep the rows (with user_id) of users who allow every purpose that is needed; all where none is.

    Who said nothing of a purpose counts as `params.otherwise` says.
    """
    if not params.needed:
        return users
    asked = consents.where(F.col("purpose").isin(*params.needed))
    if params.otherwise == "granted":
        return users.join(asked.where(~F.col("granted")).select("user_id").distinct(), "user_id", "left_anti")
    granted = asked.where("granted").groupBy("user_id").count()
    willing = granted.where(F.col("count") == len(params.needed)).select("user_id")
    return users.join(willing, "user_id", "left_semi")


def _told(events: DataFrame, name: str, spec: ConsentEvent) -> DataFrame:
    """Read the consents of events of one name: a row per purpose, several being separated by commas or blanks."""
    purposes = F.explode(F.array_distinct(F.split(F.trim(_value(spec.purpose)), r"[,\s]+"))).alias("purpose")
    granted = F.lit(spec.granted) if isinstance(spec.granted, bool) else _is_yes(_value(spec.granted))
    rows = events.where(F.col("event_name") == name).select("user_id", *ORDER, purposes, granted.alias("granted"))
    return rows.where(F.col("purpose") != "")


def _value(place: str) -> Column:
    if not place.startswith(PROPERTY):
        return F.lit(place)
    return read_property(place.removeprefix(PROPERTY))


def _is_yes(text: Column) -> Column:
    return F.coalesce(F.lower(F.trim(text)).isin(*YES), F.lit(False))
