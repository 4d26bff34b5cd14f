"""Contract of `alerts`: monitored figures beyond their threshold and beyond chance at a cut."""

from segmentation.tables.table import DAY, REAL, STRING, Column, Table

ALERTS = Table(
    name="alerts",
    grain="metric x scope x cut",
    key=("metric", "scope", "as_of"),
    columns=(
        Column("metric", STRING, "psi, js_distance, ks, rate_change or calibration_gap"),
        Column("scope", STRING, "subject of `drift`, or scope of `monitored_rates`"),
        Column("as_of", DAY, "cut, exclusive"),
        Column("value", REAL, "what was found"),
        Column("threshold", REAL, "what its size may not exceed"),
        Column("q_value", REAL, "least false discovery rate at which it is a finding"),
        Column("message", STRING, "the finding in words; names of features, states and segments, never of people"),
    ),
    clustered_by=("as_of",),
    written_by="monitor_segments",
)
