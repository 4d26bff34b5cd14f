"""Map raw records to events and judge each by itself."""

from __future__ import annotations

from functools import reduce
from operator import or_
from typing import TYPE_CHECKING

from pyspark.sql import functions as F

from segmentation.frames import conform
from segmentation.local_time import local_day
from segmentation.privacy.expressions import pseudonym, sealed
from segmentation.privacy.params import EVENT_ID, USER
from segmentation.quality.checks import Check, any_fails, failed_reasons
from segmentation.quality.lateness import is_late
from segmentation.quality.reasons import Reason
from segmentation.sources.bots import is_known_bot
from segmentation.sources.columns import column_of, compile_expression, select_named
from segmentation.sources.device_types import AGENT, agent_to_look_up, common_device_type
from segmentation.sources.field_mappings import FieldMapping
from segmentation.sources.fields import is_given, read_instant, read_number, read_text
from segmentation.sources.identifiers import drop_blocked, is_lossy
from segmentation.sources.origins import NUMBER_FIELDS, TEXT_FIELDS, find_origins, spell_identifier
from segmentation.sources.platforms import common_platform
from segmentation.sources.properties import (
    NOT_NUMERIC,
    all_properties,
    list_not_numeric,
    property_drafts,
    stored_properties,
)
from segmentation.sources.tracking_plan import FIELDS as PLANNED_FIELDS
from segmentation.sources.tracking_plan import breaks_plan
from segmentation.tables import EVENT, EVENTS, EXIT, PARSED_RECORDS, RECORD_KEY, START, STEP_SEPARATOR
from segmentation.tables.events import LATEST_PURCHASE, PURCHASE, PURCHASE_LINE, REFUND

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pyspark.sql import Column, DataFrame

    from segmentation.parameters import WorkspaceParams
    from segmentation.sources.fields import Origin
    from segmentation.sources.mapping import SourceMapping
    from segmentation.sources.origins import Origins
    from segmentation.sources.tracking_plan import TrackingPlan

RAW_UNIT = "_raw_unit"
RAW_UNIT_NO = "_raw_unit_no"
RAW_RECORD_NO = "_raw_record_no"
RAW_LOCATION = "_raw_location"
RAW_POSITION = "_raw_position"
"""Place of the record in its file or partition; null: ties are broken by event_id."""
RAW_TEXT = "_raw_text"
RAW_CORRUPT = "_raw_corrupt"
RAW_RECEIVED = "_raw_received_at"
"""Name of the time at which the input unit was received, where the mapping asks for it; null: history."""
RAW_LOSSY = "_raw_lossy"
"""Names of columns whose number is too large for its type, where files differ in the type of a column."""
REPLACEMENT = "\ufffd"
"""Half a character of JSON, which no text can hold."""

UNIT_SHIFT = 40
"""Bits of a record's position in its unit, within row_key."""
BESIDE = (AGENT, NOT_NUMERIC)
_KINDS = {"first": PURCHASE, "last": LATEST_PURCHASE}


def parse_records(
    raw: DataFrame,
    *,
    mapping: SourceMapping,
    allowed_lateness_days: int,
    clock_skew_hours: int,
    workspace: WorkspaceParams,
    plan: TrackingPlan | None = None,
    keys: DataFrame | None = None,
) -> DataFrame:
    """Map raw records to events and give every reason why a record cannot be one.

    Grain: a raw record in, the same record out: PARSED_RECORDS and, where the mapping asks for them, the columns
    `agent` (the user agent by which :mod:`segmentation.sources.device_types` fills in the device_type) and
    `not_numeric` (names of numeric properties whose text is not a number). Times are read as UTC instants; event_date
    is the day in the reporting zone. Texts are trimmed (ids of all blanks that Unicode has), blanks are null. A field
    that a check rejects is null in the result.

    Args:
        raw: records of :func:`segmentation.sources.readers.files.read_records`.
        mapping: the source's mapping.
        allowed_lateness_days: bound that applies where the mapping has a received time.
        clock_skew_hours: how far event_at may lie after received_at.
        workspace: reporting zone, and the names of purchases and refunds of mappings that name none.
        plan: the tracking plan, where it is to be enforced.
        keys: the row of keys (:func:`segmentation.privacy.keys.key_frame`), where the mapping is to be obeyed in what
            it says of pseudonyms: the result then holds nothing else of it, and `raw` is sealed.

    Raises:
        ConfigurationError: an expression of the mapping does not compile; names the field.
    """
    if RAW_POSITION not in raw.columns:
        raw = raw.withColumn(RAW_POSITION, F.lit(None).cast("string"))
    raw = _derive(raw, mapping)
    origins = find_origins(raw, mapping)
    drafts = select_named(raw, mapping, "*", *_drafts(raw, origins, mapping))
    checks = _ordered_checks(drafts, mapping, clock_skew_hours, plan)
    fails, excludes = (any_fails([check for check in checks if check.excludes is own]) for own in (False, True))
    judged = drafts.select("*", fails.alias("_fails"), excludes.alias("_excludes"))
    secret = mapping.pseudonymise if keys is not None else ()
    text = F.col(RAW_TEXT)
    if keys is not None:
        # Only now: no expression of a mapping can have touched the keys.
        judged = judged.crossJoin(F.broadcast(keys))
        text = sealed(text, F.col(RAW_UNIT), F.col(RAW_RECORD_NO))
    corrupt, quarantined = F.col(RAW_CORRUPT), F.col(RAW_CORRUPT) | F.col("_fails")
    rejected = quarantined | F.col("_excludes")
    reasons = F.when(corrupt, F.array(F.lit(Reason.MALFORMED.value))).otherwise(failed_reasons(checks))
    late = is_late("_received_at", "_event_at", mapping.lateness_bound(allowed_lateness_days))
    # What only rejected records need is not even computed for the others.
    records = judged.select(
        F.col(RAW_UNIT).alias("unit_id"),
        F.col(RAW_RECORD_NO).alias("record_no"),
        raw_row_key().alias("row_key"),
        F.when(rejected, F.col(RAW_LOCATION)).alias("location"),
        F.when(quarantined, text).alias("raw"),
        rejected.alias("rejected"),
        (rejected & ~quarantined).alias("excluded"),
        F.when(rejected, reasons).otherwise(F.array().cast("array<string>")).alias("reasons"),
        corrupt.alias("unparsable"),
        late.alias("late"),
        F.lit(mapping.name).alias("source"),
        *_event_columns(corrupt, workspace, mapping, secret),
        *_columns_beside(rejected, mapping),
    )
    return conform(records, PARSED_RECORDS, *(name for name in BESIDE if name in records.columns))


def raw_row_key() -> Column:
    """Number the raw records of a batch: the unit's place in it, and the position there."""
    return F.shiftleft(RAW_UNIT_NO, UNIT_SHIFT) + F.col(RAW_RECORD_NO)


def _event_columns(
    corrupt: Column, workspace: WorkspaceParams, mapping: SourceMapping, secret: Sequence[str]
) -> list[Column]:
    """Name the drafts as the event's columns, pseudonyms of what is `secret`; a corrupt line's are all null."""
    hide = pseudonym if USER in secret else (lambda given: given)
    user = hide(F.col("_user_id"))
    kind = _transaction_kind(mapping, workspace)
    named = {
        "event_id": _stored_event_id(mapping, secret),
        "user_id": user,
        "identifier": user,
        "anonymous_id": hide(F.col("_anonymous_id")),
        "known_id": hide(F.col("_known_id")),
        "session_hint": hide(F.col("_session_hint")),  # often holds its user's id
        "event_name": F.col("_event_name"),
        "state": F.coalesce("_state", "_event_name"),
        "event_at": F.col("_event_at"),
        "received_at": F.col("_received_at"),
        "event_date": local_day("_event_at", workspace.time_zone),
        "position": F.col(RAW_POSITION),
        "transaction_kind": kind,
        "order_id": F.when(kind.isNotNull(), F.col("_order_id")),
        "refund_id": F.when(kind == REFUND, F.col("_refund_id")),
        "platform": F.coalesce("_platform", F.lit("unknown")),
        "properties": stored_properties(mapping, secret),
    }
    others = [f for f in (*TEXT_FIELDS, *NUMBER_FIELDS) if f not in named]
    named.update({name: F.col(f"_{name}") for name in others})
    types = {column.name: column.type for column in EVENTS.columns}
    not_filled = (name for name in EVENT if name not in (*named, "source", *RECORD_KEY))
    nothing = (F.lit(None).cast(types[name]).alias(name) for name in not_filled)
    return [*(F.when(~corrupt, column).alias(name) for name, column in named.items()), *nothing]


def _columns_beside(rejected: Column, mapping: SourceMapping) -> list[Column]:
    agent = [] if mapping.agent is None else [F.when(~rejected, F.col("_agent_to_look_up")).alias(AGENT)]
    return [*agent, *([F.col("_not_numeric").alias(NOT_NUMERIC)] if mapping.numeric_properties else [])]


def _transaction_kind(mapping: SourceMapping, workspace: WorkspaceParams) -> Column:
    """Name what an event is for money: a purchase, by the rule of its order, a refund, or null: neither."""
    purchases, refunds = mapping.transactions(workspace)
    rule = mapping.order
    purchase = PURCHASE if rule is None else (PURCHASE_LINE if rule.lines else _KINDS[rule.stands])
    kinds = {purchase: purchases, REFUND: refunds}
    name, found = F.col("_event_name"), F.lit(None).cast("string")
    for kind, names in kinds.items():
        if names:
            found = F.when(name.isin(*names), F.lit(kind)).otherwise(found)
    return found


def _derive(raw: DataFrame, mapping: SourceMapping) -> DataFrame:
    """Add the mapping's derived columns, each of which may use those before it."""
    for name, text in mapping.derive.items():
        raw = raw.select("*", compile_expression(raw, f"derived column {name}", text).alias(name))
    return raw


def _drafts(raw: DataFrame, found: Origins, mapping: SourceMapping) -> list[Column]:
    fields, origins, of_orders = mapping.fields, found.fields, mapping.order_fields
    spelled = {"session_hint": spell_identifier(origins["session_hint"], mapping)}
    spelled |= {name: _identifier(origins[name], mapping) for name in of_orders}
    texts = {name: [_identifier(origin, mapping) for origin in origins] for name, origins in found.users.items()}
    users = {
        name: read_text(found.users[name][0], mapping.user_fields[name], F.coalesce(*given))
        for name, given in texts.items()
    }

    def text(name: str) -> Column:
        spec = of_orders[name] if name in of_orders else getattr(fields, name)
        return read_text(origins[name], spec, spelled.get(name))

    event_at = read_instant(origins["event_at"], fields.event_at)
    drafts = {
        "event_id": origins["event_id"].column
        if fields.event_id.key
        else spell_identifier(origins["event_id"], mapping),
        **dict.fromkeys(("known_id", "anonymous_id"), F.lit(None).cast("string")),
        **users,
        "user_id": F.coalesce(*users.values()),
        "lossy": _is_any_lossy(raw, found, texts, mapping),
        "event_name": text("event_name"),
        "state": text("state"),
        "event_at": event_at,
        "event_at_given": is_given(origins["event_at"], fields.event_at),
        "received_at": _received_at(origins["received_at"], mapping, event_at),
        "properties": all_properties(raw, mapping),
        **property_drafts(raw, mapping),
    }
    drafts["platform"] = common_platform(text("platform"))
    drafts["device_type"] = common_device_type(text("device_type"))
    if mapping.agent is not None:
        drafts["agent"] = column_of(raw, "agent", mapping.agent).cast("string")
        drafts["agent_to_look_up"] = agent_to_look_up(drafts["device_type"], drafts["agent"], drafts["platform"])
    drafts.update({name: text(name) for name in (*TEXT_FIELDS, *of_orders) if name not in drafts})
    if mapping.numeric_properties:
        drafts["not_numeric"] = list_not_numeric(raw, mapping)
    for name, kind in NUMBER_FIELDS.items():
        drafts[name] = read_number(origins[name], getattr(fields, name), kind)
        drafts[f"{name}_given"] = is_given(origins[name], getattr(fields, name))
    return [column.alias(f"_{name}") for name, column in drafts.items()]


def _received_at(origin: Origin, mapping: SourceMapping, event_at: Column) -> Column:
    """Return when a record was received: at its own time, with its unit, or as soon as it happened."""
    if mapping.fields.received_at is not None:
        return read_instant(origin, mapping.fields.received_at)
    return event_at if mapping.fields.unit_receipt is None else F.coalesce(F.col(RAW_RECEIVED), event_at)


def _identifier(origin: Origin, mapping: SourceMapping) -> Column:
    """Spell an identifier; a placeholder is read as absent."""
    return drop_blocked(spell_identifier(origin, mapping))


def _ordered_checks(
    drafts: DataFrame, mapping: SourceMapping, clock_skew_hours: int, plan: TrackingPlan | None
) -> list[Check]:
    """List all checks. Those that exclude come last, so that their reason is the first only if no other applies."""
    checks = _checks(drafts, mapping, clock_skew_hours)
    if plan is not None and plan.enforced_on(mapping.name):
        sent = {name: F.col(f"_{name}") for name in ("event_name", "properties", *PLANNED_FIELDS)}
        checks.append(Check(Reason.OFF_PLAN, breaks_plan(plan.named_for(mapping.name), sent)))
    return sorted(checks, key=lambda check: check.excludes)


def _checks(drafts: DataFrame, mapping: SourceMapping, clock_skew_hours: int) -> list[Check]:
    fields = mapping.fields
    at, given, received = F.col("_event_at"), F.col("_event_at_given"), F.col("_received_at")
    checks = [
        Check(Reason.NULL_USER, F.col("_user_id").isNull()),
        Check(Reason.LOSSY_ID, _is_inexact(mapping)),
        Check(Reason.NULL_EVENT_ID, F.col("_event_id").isNull()),
        Check(Reason.NULL_EVENT_NAME, F.col("_event_name").isNull()),
        Check(Reason.CONTROL_CHARACTER, _holds_separator("_event_name", "_state", "_platform")),
        Check(Reason.RESERVED_STATE, F.coalesce("_state", "_event_name").isin(START, EXIT)),
        Check(Reason.NULL_TIME, ~given),
        Check(Reason.UNREADABLE_TIME, given & at.isNull()),
    ]
    if fields.received_at is not None:
        checks.append(Check(Reason.UNREADABLE_RECEIVED_TIME, received.isNull()))
    if fields.received_at is not None or fields.unit_receipt is not None:
        skewed = at > received + F.expr(f"INTERVAL {clock_skew_hours} HOURS")
        checks.append(Check(Reason.FUTURE_TIME, skewed))
    for name in NUMBER_FIELDS:
        unreadable = F.col(f"_{name}_given") & F.col(f"_{name}").isNull()
        checks.append(Check(Reason.UNREADABLE_NUMBER, unreadable))
    for name in type(fields).model_fields:
        spec = getattr(fields, name)
        if isinstance(spec, FieldMapping):
            checks += _field_checks(name, spec)
    if mapping.agent is not None and mapping.bots != "keep":
        checks.append(Check(Reason.KNOWN_BOT, is_known_bot(F.col("_agent")), mapping.bots == "exclude"))
    for rule in mapping.rules:
        holds = compile_expression(drafts, f"rule {rule.reason}", rule.expr).cast("boolean")
        checks.append(Check(rule.reason, ~holds, rule.exclude))
    return checks


def _holds_separator(*names: str) -> Column:
    return reduce(or_, (F.coalesce(F.contains(name, F.lit(STEP_SEPARATOR)), F.lit(False)) for name in names))


def _field_checks(name: str, spec: FieldMapping) -> list[Check]:
    draft = F.col(f"_{name}")
    checks = [Check(Reason.MISSING_VALUE, draft.isNull())] if spec.required else []
    if spec.min is not None:
        checks.append(Check(Reason.OUT_OF_RANGE, draft < F.lit(spec.min)))
    if spec.max is not None:
        checks.append(Check(Reason.OUT_OF_RANGE, draft > F.lit(spec.max)))
    return checks


def _is_any_lossy(
    raw: DataFrame, found: Origins, texts: Mapping[str, Sequence[Column]], mapping: SourceMapping
) -> Column:
    """Return whether the user's or the event's id is a number that is too large for its type.

    Args:
        raw: the records.
        found: origins of the fields.
        texts: the identifiers of a user as text, by field, best first; only the first that is given counts.
        mapping: of the source.
    """
    identity = mapping.fields.event_id
    given = [
        F.when(text.isNotNull(), is_lossy(*origin))
        for name, origins in found.users.items()
        for text, origin in zip(texts[name], origins, strict=True)
    ]
    lossy = F.coalesce(*given, F.lit(False)) if found.has_inexact_user else F.lit(False)
    if not identity.key:
        lossy |= is_lossy(*found.fields["event_id"])
    if RAW_LOSSY in raw.columns:
        named = (*(spec.column for spec in mapping.user_fields.values()), identity.column)
        mixed = F.array(*(F.lit(name) for name in named if name is not None))
        lossy |= F.coalesce(F.arrays_overlap(RAW_LOSSY, mixed.cast("array<string>")), F.lit(False))
    return lossy


def _is_inexact(mapping: SourceMapping) -> Column:
    """Return whether an id is not exact: a number that is too large for its type, or a text with half a character."""
    inexact = F.col("_lossy")
    if "json" in mapping.format:
        ids = ("_user_id",) if mapping.fields.event_id.key else ("_user_id", "_event_id")
        halves = (F.coalesce(F.contains(name, F.lit(REPLACEMENT)), F.lit(False)) for name in ids)
        inexact = reduce(or_, halves, inexact)
    return inexact


def _stored_event_id(mapping: SourceMapping, secret: Sequence[str]) -> Column:
    """Return the identity; a plain hash of a person's fields could be guessed, so it is keyed where persons are."""
    of_key = USER in secret and bool(mapping.fields.event_id.key)
    given = F.col("_event_id")
    return pseudonym(given) if of_key or EVENT_ID in secret else given
