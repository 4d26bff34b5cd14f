"""Placeholders that programs send as an identifier where they know no user; read as absent, in any case."""

BLOCKED = (
    "undefined", "null", "(null)", "nil", "none", "nan", "n/a", "0", "-1", "true", "false", "anonymous", "guest",
    "unknown", "user_id", "distinct_id", "distinctid", "anonymous_id", "id", "email",
    "not_authenticated", "[object object]", "[object undefined]", "[object null]", "(not set)", "not set",
    "not_set", "(none)", "{{user_id}}", "{{user.id}}", "\\n",
    # Universally unique identifiers and advertising ids (IDFA, GAID) of devices that do not give one.
    "00000000-0000-0000-0000-000000000000", "00000000000000000000000000000000",
    "ffffffff-ffff-ffff-ffff-ffffffffffff",
)  # fmt: skip
"""All in lower case."""
