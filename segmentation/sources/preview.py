"""Preview the parsing of a source without writing: accepted and rejected records, reasons, and values by field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from pyspark.sql import functions as F

from segmentation.sources.column_names import CONVERSIONS
from segmentation.sources.identifiers import compose_identifier
from segmentation.tables.events import REFUND

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.parameters import WorkspaceParams
    from segmentation.sources.mapping import SourceMapping

FIELDS = (
    "event_id", "user_id", "event_name", "state", "event_at", "received_at", "platform", "device_type", "channel",
    "session_hint", "value", "currency", "duration_ms", "sequence_no",
)  # fmt: skip
PERSONAL = ("event_id", "user_id", "session_hint")
"""Counted, never shown: they tell people apart."""

IDENTIFYING = ("event_id", "user_id")
"""Counted exactly, and apart: beside exact counts Spark would keep the estimates' registers for every value."""
DISTINCT_ERROR = 0.01
"""Relative standard error to which distinct values are counted."""
MOST_NAMES = 1_000
"""Of so many event names, the most frequent ones, is told whether one is a conversion."""
PARTS = ("filled", "distinct", "least", "greatest")


def preview_records(parsed: DataFrame) -> dict[str, Any]:
    """Summarise parsed records (PARSED_RECORDS, held): a few numbers whatever their number.

    Returns:
        records, accepted, rejected, identities (distinct among the accepted), users, decomposed (accepted records whose
        user's id has another form in NFC), late (accepted records that are received after the source's lateness bound),
        reasons (reason -> rejected records; a record may have several), excluded
        (the same of excluded records), examples (reason -> the first location) and fields (name -> filled, distinct,
        and least and greatest among the accepted, as text, of fields that are not personal). `distinct` is exact for
        event_id and user_id, and within some 1 % for others, never above `filled`.
    """
    decomposed = (compose_identifier(F.col("user_id")) != F.col("user_id")).alias("decomposed")
    accepted = parsed.where(~F.col("rejected")).select("*", decomposed)
    measures = [F.count(F.lit(1)).alias("records"), F.count_if("decomposed").alias("decomposed")]
    measures.append(F.count_if("late").alias("late"))
    for name in FIELDS:
        measures.append(F.count(name).alias(f"{name} filled"))
        if name not in IDENTIFYING:
            distinct = F.least(F.count(name), F.approx_count_distinct(name, DISTINCT_ERROR))
            measures.append(distinct.alias(f"{name} distinct"))
        if name not in PERSONAL:
            measures += [
                F.min(name).cast("string").alias(f"{name} least"),
                F.max(name).cast("string").alias(f"{name} greatest"),
            ]
    exact = [F.count_distinct(name).alias(f"{name} distinct") for name in IDENTIFYING]
    totals = accepted.agg(*measures).collect()[0].asDict() | accepted.agg(*exact).collect()[0].asDict()
    reasons = parsed.where("rejected").select(F.explode("reasons").alias("reason"), "excluded", "location", "row_key")
    first = F.min_by("location", "row_key").alias("example")
    by_reason = reasons.groupBy("reason", "excluded").agg(F.count(F.lit(1)).alias("records"), first)
    found = by_reason.orderBy(F.desc("records"), "reason").collect()  # a row per reason
    whole = parsed.agg(F.count(F.lit(1)).alias("records"), F.count_if("excluded").alias("excluded")).collect()[0]
    return {
        "records": whole["records"],
        "rejected": whole["records"] - totals["records"] - whole["excluded"],
        "accepted": totals["records"],
        "identities": totals["event_id distinct"],
        "users": totals["user_id distinct"],
        "decomposed": totals["decomposed"],
        "late": totals["late"],
        "reasons": {row["reason"]: row["records"] for row in found if not row["excluded"]},
        "excluded": {row["reason"]: row["records"] for row in found if row["excluded"]},
        "examples": {row["reason"]: row["example"] for row in found},
        "fields": {
            name: {part: totals[f"{name} {part}"] for part in PARTS if f"{name} {part}" in totals} for name in FIELDS
        },
    }


def describe_preview(preview: dict[str, Any]) -> list[str]:
    """Write a preview as lines for people."""
    records, accepted = preview["records"], preview["accepted"]
    copies = accepted - preview["identities"]
    users, rejected = preview["users"], preview["rejected"]
    excluded = records - accepted - rejected
    lines = [f"{records:,} records: {accepted:,} would be events of {users:,} users, {rejected:,} would be rejected"]
    if excluded:
        lines[0] += f", {excluded:,} would be excluded"
    if copies:
        lines.append(f"{copies:,} of the {accepted:,} share their event id with another: copies or conflicts")
    if preview["decomposed"]:
        lines.append(
            f"{preview['decomposed']:,} of the {accepted:,} write their user's id with separate marks (e + \u0308 for "
            "\u00eb): with `id_form: nfc` in the mapping both ways are one user"
        )
    for how in ("reasons", "excluded"):
        done = "rejected" if how == "reasons" else how
        for reason, count in preview[how].items():
            lines.append(f"  {done} as {reason}: {count:,}, first {preview['examples'][reason]}")
    lines.append(f"  {'field':<14}{'filled':>10}{'distinct':>10}  values")
    for name, field in preview["fields"].items():
        values = f"{field['least']} .. {field['greatest']}" if field.get("least") is not None else ""
        lines.append(f"  {name:<14}{field['filled']:>10,}{field['distinct']:>10,}  {values}".rstrip())
    return lines


def describe_late(late: int, mapping: SourceMapping, default_days: int) -> list[str]:
    """Say how many records would be rejected by the lateness bound, and which key moves it; nothing if none would."""
    bound = mapping.lateness_bound(default_days)
    if not late or bound is None:
        return []
    told = f"they were received more than {bound} days after they happened"
    advice = f"if history was imported, set allowed_lateness_days in the mapping of {mapping.name}"
    return [f"{late:,} of these events would be rejected as too_late: {told}; {advice}"]


def describe_conversions(parsed: DataFrame, mapping: SourceMapping, workspace: WorkspaceParams) -> list[str]:
    """Say that no event is a conversion, and which names sound like one; nothing if some event is, or none can be."""
    names_of_conversions, _ = mapping.transactions(workspace)
    is_purchase = F.col("transaction_kind") != REFUND
    by_name = (
        parsed.where(~F.col("rejected"))
        .groupBy("event_name")
        .agg(F.count(F.lit(1)).alias("count"), F.bool_or(F.coalesce(is_purchase, F.lit(False))).alias("is_purchase"))
    )
    rows = by_name.orderBy(F.desc("is_purchase"), F.desc("count"), "event_name").limit(MOST_NAMES).collect()
    names = [row["event_name"] for row in rows]
    if not names_of_conversions or not names or rows[0]["is_purchase"]:
        return []
    alike = [name for name in names if CONVERSIONS.search(name)][:5]
    sounding = f"; these names sound like one: {', '.join(alike)}" if alike else ""
    key = "workspace.conversion_events" if mapping.conversions is None else "conversions of the mapping"
    known = f"{key} ({', '.join(names_of_conversions)})"
    return [f"no event is a conversion, as {known} names none of them{sounding}"]
