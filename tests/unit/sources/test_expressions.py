"""Spark SQL of mappings: what changes from run to run is refused, and a column is never taken for a function."""

from __future__ import annotations

from pathlib import Path

import pytest

from segmentation.errors import ConfigurationError
from segmentation.sources.mapping import load_mapping

MAPPING = """
format: csv
{more}
fields:
  event_id: {{key: [user_id, event]}}
  user_id: {{expr: "{user}"}}
  event_name: event
  event_at: {{column: at, unit: s}}
"""


def load(folder: Path, user: str, more: str = "") -> tuple[str, ...]:
    (folder / "sources").mkdir()
    (folder / "sources" / "some.yaml").write_text(MAPPING.format(user=user, more=more), encoding="utf-8")
    return load_mapping(folder, "some").raw_columns


@pytest.mark.parametrize(
    ("sql", "function"),
    [
        ("concat(id, uuid())", "uuid"),
        ("coalesce(id, NOW ())", "NOW"),
        ("if(rand() < 0.5, id, other)", "rand"),
        ("cast(unix_timestamp() AS string)", "unix_timestamp"),
        ("current_user()", "current_user"),
    ],
)
def test_what_changes_from_run_to_run_is_refused_by_name(tmp_path: Path, sql: str, function: str) -> None:
    with pytest.raises(ConfigurationError, match=rf"some\.yaml.*fields\.user_id\.expr.*{function}\(\)"):
        load(tmp_path, sql)


def test_it_is_refused_in_every_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match=r"derive\.day.*current_date\(\)"):
        load(tmp_path, "id", "derive: {day: 'cast(current_date() AS string)'}")


@pytest.mark.parametrize("sql", ["lower(user)", "trim(`user`)", "concat(User, '-', current_date)"])
def test_a_name_that_is_also_a_function_must_be_a_column(tmp_path: Path, sql: str) -> None:
    assert "user" in load(tmp_path, sql)


@pytest.mark.parametrize(
    "sql",
    [
        "concat(id, 'now() user uuid()')",
        "user.id",
        "known(id)",
        "unix_timestamp(at)",
        "event_user",
        "username",
        "renow(id)",
    ],
)
def test_what_only_looks_like_it_is_let_alone(tmp_path: Path, sql: str) -> None:
    assert load(tmp_path, sql) == ("at", "event", "user_id")
