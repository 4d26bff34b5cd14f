"""Read a property of stored events."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import functions as F

if TYPE_CHECKING:
    from pyspark.sql import Column


def read_property(name: str, properties: Column | str = "properties") -> Column:
    """Return the text of a property, null where an event does not have it.

    Args:
        name: of the property; dots, blanks and quotes are part of it.
        properties: the JSON object of all properties.
    """
    quoted = name.replace("'", "\\'")
    return F.get_json_object(properties, f"$['{quoted}']")
