"""Drafts of mappings: valid, and right where names and values leave no doubt."""

from __future__ import annotations

import pytest
import yaml

from segmentation.sources.drafts import is_unfinished_draft, mark_draft
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


def test_the_row_number_of_a_data_frame_is_no_part_of_the_identity() -> None:
    order = {"customer_id": "c1", "action": "buy", "order_date": "2024-05-01", "amount": "9.5"}
    rows = tuple({"_c0": str(n), **order} for n in range(5))
    text = draft_mapping("mine", FileSample("csv", tuple(rows[0]), rows))
    made = yaml.safe_load(text)
    assert made["fields"]["event_id"] == {"key": list(order)}
    assert "properties" not in made
    assert "Column _c0 is left out: it only numbers the rows" in text
    numbered = ({"id": "1", **order}, {"id": "2", **order})
    assert draft(*numbered)["fields"]["event_id"] == "id"  # numbers by which a shop calls its orders


@pytest.mark.parametrize(
    ("times", "pattern"),
    [
        (["12/1/2010 8:26", "12/13/2010 10:15"], "M/d/yyyy H:mm"),
        (["1.2.2024 8:05:09", "13.2.2024 10:15:00"], "d.M.yyyy H:mm:ss"),
        (["2024-5-1", "2024-11-12"], "yyyy-M-d"),
        (["05/01/2024 09:05 PM", "05/31/2024 10:15 am"], "MM/dd/yyyy hh:mm a"),
        (["5/1/24 9:05 PM", "5/31/24 10:15 AM"], "M/d/yy h:mm a"),
        (["2024-05-01 10:00:00.123", "2024-05-01 10:00:00.000"], "yyyy-MM-dd HH:mm:ss.SSS"),
    ],
)
def test_a_pattern_counts_digits_as_spark_does(times: list[str], pattern: str) -> None:
    assert draft(*({"at": time, "user": "u"} for time in times))["fields"]["event_at"]["format"] == pattern


def test_texts_with_utc_need_no_pattern() -> None:
    rows = [{"at": f"2024-05-0{day} 10:00:00{zone}", "user": "u"} for day, zone in ((1, " UTC"), (2, "+00"), (3, "Z"))]
    assert draft(*rows)["fields"]["event_at"] == "at"


def test_day_and_time_in_two_columns_are_put_together() -> None:
    rows = (
        {"Kunde": "a", "Datum": "28.02.2024", "Uhrzeit": "9:05"},
        {"Kunde": "b", "Datum": "01.03.2024", "Uhrzeit": "10:30"},
    )
    made = draft(*rows)
    assert made["fields"]["event_at"] == {
        "expr": "concat_ws(' ', `Datum`, `Uhrzeit`)",
        "format": "dd.MM.yyyy H:mm",
        "zone": "UTC",
    }
    assert "properties" not in made
    days = tuple({"Kunde": row["Kunde"], "Datum": row["Datum"]} for row in rows)
    assert "all times are midnight" in draft_mapping("mine", FileSample("csv", tuple(days[0]), days))


@pytest.mark.parametrize(
    ("user", "value", "event", "at"),
    [
        ("Kundennummer", "Betrag", "Vorgang", "Datum"),
        ("N° client", "Montant", "Évènement", "Date commande"),
        ("id_cliente", "Importe", "evento", "Fecha"),
        ("Codice cliente", "Importo", "Azione", "Data ora"),
        ("customer_no", "amount", "action", "order_date"),
    ],
)
def test_columns_are_known_in_five_languages(user: str, value: str, event: str, at: str) -> None:
    rows = [{user: f"k{n % 3}", value: "9,50", event: "x", at: f"0{n + 1}.03.2024 10:00"} for n in range(5)]
    fields = draft(*rows, delimiter=";")["fields"]
    assert (fields["user_id"], fields["event_name"], fields["event_at"]["column"]) == (user, event, at)
    assert f"`{value}`" in fields["value"]["expr"]


def test_a_user_of_an_unknown_name_is_told_by_its_values() -> None:
    rows = tuple(
        {"Wer": f"K-{n % 4}", "Menge": str(n % 3), "Lager": "Ulm", "date": f"2024-05-0{n + 1}"} for n in range(9)
    )
    text = draft_mapping("mine", FileSample("csv", tuple(rows[0]), rows))
    assert "  user_id: Wer   # chosen by its values" in text
    two = tuple({**row, "Wo": row["Wer"]} for row in rows)
    assert "  user_id: TODO" in draft_mapping("mine", FileSample("csv", tuple(two[0]), two))


@pytest.mark.parametrize(
    ("names", "conversions", "refunds"),
    [
        (["view", "Order Completed", "order_refunded"], ["Order Completed"], ["order_refunded"]),
        (["vue", "achat"], ["achat"], []),
        (["view", "purchase", "sale"], None, None),  # the configuration's own names
        (["Order Viewed", "buyer guide"], None, None),
    ],
)
def test_purchases_and_refunds_are_drafted_by_their_names(
    names: list[str], conversions: list[str] | None, refunds: list[str] | None
) -> None:
    made = draft(*({"user": "u", "event": name, "date": "2024-05-01"} for name in names))
    assert (made.get("conversions"), made.get("refunds")) == (conversions, refunds)


def test_an_identity_and_an_event_name_of_unknown_names_are_told_by_their_values() -> None:
    rows = tuple(
        {"Beleg": f"B-{n}", "Wer": f"K-{n % 4}", "Art": "Kauf" if n % 2 else "Retoure", "Ort": f"Ulm {n % 2}",
         "date": f"2024-05-{n + 1:02}"}
        for n in range(25)
    )  # fmt: skip
    text = draft_mapping("mine", FileSample("csv", tuple(rows[0]), rows))
    assert "  event_id: Beleg   # chosen by its values, which all differ" in text
    assert "  event_name: Art   # chosen by its values: is it what happened?" in text
    assert (draft(*rows)["conversions"], draft(*rows)["refunds"]) == (["Kauf"], ["Retoure"])
    few = draft_mapping("mine", FileSample("csv", tuple(rows[0]), rows[:5]))  # five that differ mean nothing
    assert "No column identifies an event" in few
    assert "event_name: {constant: event}" in few
    twice = (*rows, {**rows[0], "Wer": "K-9"})
    assert "No column identifies an event" in draft_mapping("mine", FileSample("csv", tuple(rows[0]), twice))


def test_ids_with_a_fraction_and_addresses_are_noticed() -> None:
    rows = tuple({"CustomerID": f"1234{n}.0", "date": "2024-05-01"} for n in range(5))
    assert draft(*rows)["fields"]["user_id"] == {"expr": "regexp_replace(`CustomerID`, '[.]0$', '')"}
    mails = tuple({"email": f"a{n}@b.example", "date": "2024-05-01"} for n in range(5))
    assert "# pseudonymise: [user]" in draft_mapping("mine", FileSample("csv", tuple(mails[0]), mails))


def test_a_draft_waits_only_as_long_as_it_is_untouched_and_unfinished() -> None:
    rows = ({"who": "u", "when": "once"},)
    unfinished = mark_draft(draft_mapping("mine", FileSample("csv", ("who", "when"), rows)))
    assert is_unfinished_draft(unfinished)
    assert not is_unfinished_draft(unfinished.replace("description:", "description: My"))  # somebody works on it
    done = mark_draft(
        draft_mapping("mine", FileSample("csv", ("user", "date"), ({"user": "u", "date": "2024-05-01"},)))
    )
    assert not is_unfinished_draft(done)
    assert not is_unfinished_draft("description: by hand\nfields: {user_id: TODO}\n")
