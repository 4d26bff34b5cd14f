"""Define and load the mapping of a source, conf/sources/<name>.yaml."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, NamedTuple, TypeVar

from pydantic import Field, field_validator, model_validator

from segmentation.errors import ConfigurationError, nearest
from segmentation.parameters import Parameters, fingerprint_of, read_yaml, validated
from segmentation.privacy.params import PROPERTY, check_names
from segmentation.sources.csv_dialect import check_delimiter, unescape_sign
from segmentation.sources.encodings import convert_to_utf8, is_wide, java_encoding
from segmentation.sources.expressions import Expression, names_like_functions
from segmentation.sources.field_mappings import (
    EventFields,
    FieldMapping,
    OrderMapping,
    PropertyMapping,
    TraitMapping,
)
from segmentation.sources.jdbc import JdbcParams
from segmentation.sources.kafka import MESSAGE_COLUMNS, TIMESTAMP, KafkaParams
from segmentation.sources.supersede import SupersedeParams

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from segmentation.parameters import WorkspaceParams
    from segmentation.privacy.params import PrivacyParams

Client = TypeVar("Client", KafkaParams, JdbcParams)
Names = tuple[str, ...]
Format = Literal["csv", "json", "parquet", "text", "avro"]
BESIDE_EVENTS = frozenset({"kafka", "jdbc", "traits", "account_id"})
"""Keys that do not shape events: where messages come from, and what is read from stored events later."""


class RejectionRule(Parameters):
    """A condition that accepted records fulfil; where it is false the record is rejected under `reason`."""

    reason: str = Field(pattern=r"^[a-z][a-z0-9_]*$")
    expr: Expression
    exclude: bool = False
    """Exclude the record: count it in the ledger, and store neither it nor its text."""


class Place(NamedTuple):
    """A place of a mapping that reads columns of the source."""

    name: str
    columns: tuple[str, ...]
    sql: str | None
    """The expression, which may read further columns."""
    is_rule: bool = False


class SourceMapping(Parameters):
    """A source without code."""

    name: str
    description: str = ""
    format: tuple[Format, ...] = Field(min_length=1)
    """One, or a list of those that the source is delivered in: then the ending of a file's name decides."""
    delimiter: str = ","
    """CSV: one or more characters between two fields; `'\\t'` is a tab."""
    quote: str = '"'
    """CSV: the character around a field that holds a delimiter; empty: fields are not quoted."""
    escape: str | None = None
    """CSV: the character before a quote within quotes (Spark, MySQL: a backslash); not given: the quote is doubled."""
    multiline: bool = False
    """CSV: quoted fields may hold line breaks. Files are then read record by record, each by one task."""
    header: tuple[str, ...] | None = None
    """CSV: the columns of files that have no header line."""
    encoding: str = "UTF-8"
    """Encoding of CSV, JSON lines and text by its name in Python or Java; lines that are not valid in it are
    malformed."""
    columns: str | None = None
    """Raw columns with types (DDL), needed for nested JSON; otherwise every JSON field is read as text."""
    derive: dict[str, Expression] = Field(default_factory=dict)
    """Columns worked out first, by Spark SQL over the raw ones and those before; all others may then use them."""
    fields: EventFields
    conversions: Names | None = None
    """Event names that are purchases, as `fields.event_name` gives them: their value is revenue. With `refunds` they
    take the place of the workspace's lists; not given, either of them: the workspace's."""
    refunds: Names | None = None
    """Event names that take money back, whatever the sign of their value."""
    order: OrderMapping | None = None
    """Ids of orders; not given: every purchase is an order of its own."""
    properties: dict[str, PropertyMapping] = Field(default_factory=dict)
    """Property name -> where it comes from; all of them end up in `events.properties`."""
    property_map: Expression | None = None
    """Spark SQL that gives a MAP<STRING, STRING> of further properties, whose names need not be known."""
    traits: dict[str, TraitMapping] = Field(default_factory=dict)
    """Trait of the person -> the property that tells it; conf/profiles.yaml says which traits are used."""
    account_id: TraitMapping | None = None
    """The property that tells the account (the company) of an event; not given: its person's trait `account`."""
    agent: FieldMapping | None = None
    """The user agent. Mapped: records of known bots are rejected as `known_bot`, unless `bots` is keep."""
    bots: Literal["quarantine", "exclude", "keep"] = "quarantine"
    ties: Literal["position", "event_id"] = "position"
    """Order of a user's events of one instant and sequence number: the place of their records in the files, or their
    ids, if the source delivers its records again in files that are cut otherwise."""
    id_form: Literal["as_sent", "nfc"] = "as_sent"
    """nfc: ids of users, events and sessions are composed, so that one id that is written in two ways is one."""
    rules: tuple[RejectionRule, ...] = ()
    allowed_lateness_days: int | None = Field(default=None, ge=0)
    """Lateness bound of this source; applies only where received_at is mapped."""
    pseudonymise: tuple[str, ...] = ()
    """Fields that become keyed pseudonyms before they are stored: user, event_id, properties.<name>."""
    keep_properties: tuple[str, ...] | None = None
    """Only these properties are stored; not given: those of the configuration, which are all by default."""
    supersede: SupersedeParams | None = None
    """Files that take the place of others; without it every file stands."""
    kafka: KafkaParams | None = None
    """The topic that records come from, as values of its messages; not given: files are named by --input."""
    jdbc: JdbcParams | None = None
    """The table of a database that records come from; not given: files are named by --input."""

    @model_validator(mode="before")
    @classmethod
    def _received_when_sent(cls, values: Any) -> Any:
        """A message is received at its timestamp, unless the mapping says otherwise."""
        fields = values.get("fields") if isinstance(values, dict) and values.get("kafka") else None
        if not isinstance(fields, dict) or fields.get("received_at") is not None:
            return values
        return {**values, "fields": {**fields, "received_at": TIMESTAMP}}

    @field_validator("format", mode="before")
    @classmethod
    def _one_format(cls, value: Any) -> Any:
        return (value,) if isinstance(value, str) else value

    @field_validator("encoding")
    @classmethod
    def _known_encoding(cls, value: str) -> str:
        java_encoding(value)
        return value

    @field_validator("delimiter", "escape")
    @classmethod
    def _as_in_the_file(cls, value: str | None) -> str | None:
        return None if value is None else unescape_sign(value)

    @field_validator("properties", mode="before")
    @classmethod
    def _list_of_columns(cls, value: Any) -> Any:
        return {column: column for column in value} if isinstance(value, list) else value

    @field_validator("pseudonymise")
    @classmethod
    def _known_names(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        return check_names(value)

    @model_validator(mode="after")
    def _readable_lines(self) -> SourceMapping:
        try:
            check_delimiter(self.delimiter, self.quote)
        except ValueError as error:
            raise ValueError(f"delimiter: {error}") from error
        if self.escape is not None and len(self.escape) != 1:
            raise ValueError("escape is one character, such as '\\'")
        if self.multiline and ("csv" not in self.format or self.kafka is not None):
            raise ValueError("multiline is for files of csv")
        if self.multiline and is_wide(self.java_encoding):
            raise ValueError(f"multiline is not read in {self.encoding}: {convert_to_utf8(self.encoding)}")
        if self.multiline and (len(self.quote) != 1 or not self.quote.isascii()):
            raise ValueError("multiline needs a quote of one ASCII character: nothing else can hold a line break")
        return self

    @model_validator(mode="after")
    def _received_as_files(self) -> SourceMapping:
        if self.fields.unit_receipt is not None and self.is_fetched:
            raise ValueError("received_at: unit modified and name are for files")
        return self

    @model_validator(mode="after")
    def _readable_messages(self) -> SourceMapping:
        if self.kafka is None:
            if "avro" in self.format:
                raise ValueError("format avro is that of messages of Kafka")
            return self
        if len(self.format) != 1 or self.format[0] == "parquet":
            raise ValueError("format is that of a message's value: one of avro, csv, json and text")
        if self.is_avro != (self.kafka.registry is not None):
            raise ValueError("messages in avro need kafka.registry, and no others do")
        if self.format[0] == "csv" and self.header is None:
            raise ValueError("messages have no header line: give header (the columns)")
        if self.java_encoding != "UTF-8":
            raise ValueError("messages are read as UTF-8")
        if self.supersede is not None:
            raise ValueError("supersede is for files: a message stands")
        return self

    @model_validator(mode="after")
    def _readable_rows(self) -> SourceMapping:
        if self.jdbc is None:
            return self
        if self.kafka is not None:
            raise ValueError("give kafka or jdbc, not both")
        if self.format != ("parquet",):
            raise ValueError("rows of a table land as Parquet: format is parquet")
        if self.supersede is not None:
            raise ValueError("supersede is for files: a row stands")
        return self

    @model_validator(mode="after")
    def _mapped_properties(self) -> SourceMapping:
        if self.property_map is None:
            for name in (
                *self.pseudonymise,
                *(place.place for place in self.person_places),
                *(PROPERTY + kept for kept in self.keep_properties or ()),
            ):
                bare = name.removeprefix(PROPERTY)
                if name.startswith(PROPERTY) and bare not in self.properties:
                    raise ValueError(f"there is no property '{bare}'{nearest(bare, self.properties)}")
        return self

    @property
    def fingerprint(self) -> str:
        """Fingerprint of what shapes events."""
        said = self.model_dump(mode="json", exclude=set(BESIDE_EVENTS))
        # Lakes are older than these keys.
        unused = {"multiline": False, "id_form": "as_sent", "ties": "position", "escape": None}
        for name, unset in {**unused, "conversions": None, "refunds": None, "order": None}.items():
            if said[name] == unset:
                del said[name]
        for name in ("known_id", "anonymous_id", "unit_receipt"):
            if said["fields"][name] is None:
                del said["fields"][name]
        for spec in said["properties"].values():
            del spec["unit"]
            if spec["type"] is None:
                del spec["type"]
        for rule in said["rules"]:
            if not rule["exclude"]:
                del rule["exclude"]
        return fingerprint_of(said)

    @property
    def java_encoding(self) -> str:
        """Return Java's name of the encoding."""
        return java_encoding(self.encoding)

    @property
    def is_fetched(self) -> bool:
        """Return whether records are fetched from a topic or table of the mapping instead of given files."""
        return self.kafka is not None or self.jdbc is not None

    @property
    def topic(self) -> KafkaParams:
        """Return the topic of a source that has one."""
        return self._of_clients(self.kafka, "topic")

    @property
    def table(self) -> JdbcParams:
        """Return the table of a source that has one."""
        return self._of_clients(self.jdbc, "table")

    @property
    def changes_properties(self) -> bool:
        """Return whether properties are stored otherwise than they were sent."""
        return self.keep_properties is not None or any(name.startswith(PROPERTY) for name in self.pseudonymise)

    def transactions(self, workspace: WorkspaceParams) -> tuple[Names, Names]:
        """Return the event names that are purchases, and those that are refunds."""
        if self.conversions is None and self.refunds is None:
            return workspace.conversion_events, workspace.refund_events
        return self.conversions or (), self.refunds or ()

    @property
    def has_positions(self) -> bool:
        """Return whether the places of records in their files break ties."""
        return self.ties == "position"

    @property
    def is_avro(self) -> bool:
        """Return whether the values of messages are Avro."""
        return self.format[0] == "avro"

    @property
    def numeric_properties(self) -> dict[str, PropertyMapping]:
        """Return the properties that are declared to be numbers, by name."""
        return {name: spec for name, spec in self.properties.items() if spec.type is not None}

    @property
    def person_places(self) -> tuple[TraitMapping, ...]:
        """Return the properties that tell traits and the account."""
        return (*self.traits.values(), *((self.account_id,) if self.account_id else ()))

    @property
    def user_fields(self) -> dict[str, FieldMapping]:
        """Return where the identifiers of a user come from, by column of `events`, best first."""
        named = ((name, getattr(self.fields, name)) for name in ("user_id", "known_id", "anonymous_id"))
        return {name: field for name, field in named if field is not None}

    @property
    def order_fields(self) -> dict[str, FieldMapping | None]:
        """Return where the ids of an order come from, by column of `events`; null: not told."""
        if self.order is None:
            return {"order_id": None, "refund_id": None}
        return {"order_id": self.order.id, "refund_id": self.order.refund_id}

    def under(self, privacy: PrivacyParams) -> SourceMapping:
        """Return the mapping with what the configuration asks of every source."""
        names = tuple(sorted({*self.pseudonymise, *privacy.pseudonymise}))
        kept = self.keep_properties if self.keep_properties is not None else privacy.keep_properties
        return self.model_copy(update={"pseudonymise": names, "keep_properties": kept})

    @property
    def raw_columns(self) -> tuple[str, ...]:
        """All raw columns that the mapping names (expressions may use more), sorted; those of a message aside."""
        named = {f.column for f in self._field_mappings() if f.column is not None}
        identity = self.fields.event_id
        own = {identity.column} if identity.column else set(identity.key)
        of_messages = set(MESSAGE_COLUMNS) if self.kafka is not None else set()
        doubtful = {name for sql in self._expressions() for name in names_like_functions(sql)}
        return tuple(sorted((named | own | doubtful) - set(self.derive) - of_messages))

    def places(self) -> list[Place]:
        """List all places that read columns of the source."""
        identity = self.fields.event_id
        fields = {name: getattr(self.fields, name) for name in EventFields.model_fields}
        fields = {name: field for name, field in fields.items() if isinstance(field, FieldMapping)}
        if self.order is not None:
            fields |= {"order.id": self.order.id, "order.refund_id": self.order.refund_id}
        properties = {PROPERTY + name: field for name, field in self.properties.items()}
        mapped = {**fields, "agent": self.agent, **properties}
        return [
            Place("event_id", (identity.column,) if identity.column else identity.key, identity.expr),
            *(Place(name, (f.column,) if f.column else (), f.expr) for name, f in mapped.items() if f is not None),
            Place("property_map", (), self.property_map),
            *(Place(f"derive.{name}", (), sql) for name, sql in self.derive.items()),
            *(Place(f"rule {rule.reason}", (), rule.expr, is_rule=True) for rule in self.rules),
        ]

    def lateness_bound(self, default_days: int) -> int | None:
        """Return the days after which a record is too late; None: none is.

        None is too late where no received time is mapped, or where the input unit tells it, unless the mapping sets
        its own bound.
        """
        if self.fields.unit_receipt is not None:
            return self.allowed_lateness_days
        if self.fields.received_at is None:
            return None
        return default_days if self.allowed_lateness_days is None else self.allowed_lateness_days

    def _of_clients(self, params: Client | None, what: str) -> Client:
        if params is None:
            raise ConfigurationError(f"source '{self.name}' has no {what}")
        return params

    def _expressions(self) -> list[str]:
        of_fields = [field.expr for field in self._field_mappings()]
        of_rules = [rule.expr for rule in self.rules]
        given = (*of_fields, *of_rules, *self.derive.values(), self.fields.event_id.expr, self.property_map)
        return [sql for sql in given if sql is not None]

    def _field_mappings(self) -> list[FieldMapping]:
        values = [*(getattr(self.fields, name) for name in EventFields.model_fields), *self.order_fields.values()]
        return [value for value in (*values, self.agent, *self.properties.values()) if isinstance(value, FieldMapping)]


def list_sources(conf_dir: Path) -> list[str]:
    """Return the names of all sources that have a mapping, sorted."""
    return sorted(path.stem for path in (conf_dir / "sources").glob("*.yaml"))


def load_mapping(conf_dir: Path, name: str) -> SourceMapping:
    """Load the mapping of a source.

    Raises:
        ConfigurationError: there is no such source (names the nearest), or the mapping is not valid.
    """
    folder, known = conf_dir / "sources", list_sources(conf_dir)
    if name not in known:
        raise ConfigurationError(
            f"unknown source '{name}'{nearest(name, known)}; known: {', '.join(known) or 'none'}; "
            f"a new one is a file {folder}/{name}.yaml"
        )
    path = folder / f"{name}.yaml"
    return validated(SourceMapping, {"name": name, **read_yaml(path)}, str(path))


def check_input(mapping: SourceMapping, given: Sequence[str] | None) -> None:
    """Check that files are given exactly where the mapping reads files, and not a topic or a table.

    Raises:
        ConfigurationError: files are missing, or are given where none are read.
    """
    if not mapping.is_fetched and not given:
        raise ConfigurationError(f"source '{mapping.name}' reads files: say which with --input (files or folders)")
    if mapping.kafka is not None and given:
        raise ConfigurationError(f"source '{mapping.name}' reads the topic {mapping.kafka.topic}: leave --input out")
    if mapping.jdbc is not None and given:
        raise ConfigurationError(f"source '{mapping.name}' reads the table {mapping.jdbc.table}: leave --input out")
