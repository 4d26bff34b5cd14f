"""The line that lists alerts, and the rows of a cut."""

from __future__ import annotations

from datetime import date

import pytest

from segmentation.monitoring.alerts import Alert, Judged, rows_of_tables, summarise_alerts
from segmentation.monitoring.rates import Rate
from segmentation.tables import ALERTS, DRIFT, MONITORED_RATES

CUT = date(2024, 4, 1)


def alert(scope: str) -> Alert:
    return Alert("psi", scope, 0.5123, 0.25, 0.001, "changed")


@pytest.mark.parametrize(
    ("alerts", "line"),
    [
        (1, "1 alert: psi of s0 is 0.512 (at most 0.25)"),
        (2, "2 alerts: psi of s0 is 0.512 (at most 0.25); psi of s1 is 0.512 (at most 0.25)"),
        (6, "6 alerts: " + "; ".join(f"psi of s{i} is 0.512 (at most 0.25)" for i in range(5)) + " ..."),
    ],
)
def test_summarise_alerts(alerts: int, line: str) -> None:
    assert summarise_alerts([alert(f"s{i}") for i in range(alerts)]) == line


def test_rows_of_tables__without_an_earlier_cut() -> None:
    rate = Rate("transition:a -> b", CUT, CUT, 1, 2, 0.1, 30, None, None, 0.5, 0.5, None)
    rows = rows_of_tables([], [Judged(rate, "breach", (alert("s1"), alert("s0")))], as_of=CUT, baseline=None)
    assert list(rows) == [DRIFT, MONITORED_RATES, ALERTS]
    assert rows[DRIFT] == []
    assert [len(row) for row in rows[MONITORED_RATES]] == [len(MONITORED_RATES.names)]
    assert [row[1] for row in rows[ALERTS]] == ["s0", "s1"], "in the order of their key"
