"""Drafts of mappings: valid, and right where names and values leave no doubt."""

from __future__ import annotations

import pytest
import yaml

from segmentation.sources.infer import FileSample, draft_mapping
from segmentation.sources.mapping import SourceMapping


def draft(*rows: dict[str, str | None], delimiter: str = ",") -> dict:
    text = draft_mapping("mine", FileSample("csv", tuple(rows[0]), rows, delimiter))
    return yaml.safe_load(text)


def test_usual_names_become_fields_and_the_rest_properties() -> None:
    first = {"Order No": "1", "Customer ID": "a", "Action": "buy", "Order Date": "28.02.2024 10:00",
             "Amount": "9.50", "Device": "Web", "Shop": "Berlin"}  # fmt: skip
    second = {**first, "Order No": "2", "Order Date": "01.03.2024 10:00", "Device": "iPhone"}
    made = draft(first, second, delimiter=";")
    fields = made["fields"]
    assert made["delimiter"] == ";"
    assert fields["user_id"] == "Customer ID"
    assert fields["event_name"] == "Action"
    assert fields["event_at"] == {"column": "Order Date", "format": "dd.MM.yyyy HH:mm", "zone": "UTC"}
    assert (fields["value"], fields["platform"]) == ("Amount", "Device")
    assert fields["event_id"] == {"key": list(first)}
    assert made["properties"] == ["Order No", "Shop"]
    SourceMapping.model_validate({"name": "mine", **made})


@pytest.mark.parametrize(
    ("times", "expected"),
    [
        (["2024-03-01T10:00:00Z", "2024-03-01T10:00:00.5+01:00"], "at"),
        (["1709287200", "1709287200123"], {"column": "at", "unit": "auto"}),
        (["20240301"], {"column": "at", "format": "yyyyMMdd", "zone": "UTC"}),
        (["03/25/2024", "03/01/2024"], {"column": "at", "format": "MM/dd/yyyy", "zone": "UTC"}),
        (["01/Mar/2024:10:00:00 +0100"], {"column": "at", "format": "dd/MMM/yyyy:HH:mm:ss Z", "zone": "UTC"}),
        (["yesterday"], "TODO"),
    ],
)
def test_the_form_of_times_is_told_from_all_values(times: list[str], expected: object) -> None:
    assert draft(*({"at": time, "user": "u"} for time in times))["fields"]["event_at"] == expected


def test_amounts_with_a_decimal_comma_and_times_of_another_name_are_told() -> None:
    rows = ({"Kunde": "a", "Bestellt": "28.02.2024 10:00", "Amount": "1.234,50"},
            {"Kunde": "b", "Bestellt": "01.03.2024 10:00", "Amount": "9"})  # fmt: skip
    fields = draft(*rows, delimiter=";")["fields"]
    assert fields["value"] == {"expr": "replace(replace(`Amount`, '.', ''), ',', '.')"}
    assert fields["event_at"]["column"] == "Bestellt"
    assert fields["event_name"] == {"constant": "purchase"}  # who writes down amounts sells
    doubtful = draft(*({**row, "Bezahlt": row["Bestellt"]} for row in rows))
    assert doubtful["fields"]["event_at"] == "TODO"  # two columns could be it
    assert "value" not in draft({**rows[0], "Amount": "1,234.50"})["fields"]


def test_a_broken_record_in_the_sample_does_not_hide_the_form_of_the_others() -> None:
    good = [{"user": "u", "time": f"{day:02}.03.2024", "amount": "3.5"} for day in range(1, 30)] * 2
    one_bad = draft(*good, {"user": "u", "time": "yesterday", "amount": "n/a"})["fields"]
    assert (one_bad["event_at"]["format"], one_bad["value"]) == ("dd.MM.yyyy", "amount")
    assert draft(*good, *[{"user": "u", "time": "yesterday", "amount": "n/a"}] * 2)["fields"]["event_at"] == "TODO"


def test_a_doubt_is_said() -> None:
    rows = ({"user": "u", "date": "01/02/2024"}, {"user": "u", "date": "03/04/2024"})
    assert "or MM/dd/yyyy: the sample fits both" in draft_mapping("mine", FileSample("csv", ("user", "date"), rows))


def test_a_repeated_id_is_no_identity() -> None:
    rows = tuple({"id": "1", "user": "u", "timestamp": "2024-03-01 10:00:00"} for _ in range(4))
    assert draft(*rows)["fields"]["event_id"] == {"key": ["id", "user", "timestamp"]}


def test_line_breaks_in_quotes_are_noticed() -> None:
    columns, rows = ("user", "time", "note"), ({"user": "u", "time": "2024-03-01", "note": "a\nb"},)
    assert (
        yaml.safe_load(draft_mapping("mine", FileSample("csv", columns, rows, spans_lines=True)))["multiline"] is True
    )
    assert "multiline" not in draft_mapping("mine", FileSample("csv", columns, rows))
