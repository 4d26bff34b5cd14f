"""Rates of the days before a cut beside what was to be expected: moves between states, and predictions come true."""

from segmentation.tables.table import COUNT, DAY, REAL, STRING, Column, Table

MONITORED_RATES = Table(
    name="monitored_rates",
    grain="a rate at a cut",
    key=("scope", "as_of"),
    columns=(
        Column("scope", STRING, "'transition:<from> -> <to>', or 'calibration:<target>'"),
        Column("as_of", DAY, "cut, exclusive"),
        Column("from_date", DAY, "first day counted; of a calibration, the cut that was scored"),
        Column("until_date", DAY, "day after the last one"),
        Column("successes", COUNT, "moves to the state; users for whom the prediction came true"),
        Column("trials", COUNT, "departures from the state; users with a prediction"),
        Column("rate", REAL, "successes / trials; null: no trials", nullable=True),
        Column(
            "reference", REAL, "rate of the days before; mean prediction; null: none to compare with", nullable=True
        ),
        Column("reference_trials", COUNT, "departures it rests on; null: it is a prediction", nullable=True),
        Column(
            "difference_lower", REAL, "95 % interval of rate - reference, alone; null: as `reference`", nullable=True
        ),
        Column(
            "difference_upper", REAL, "95 % interval of rate - reference, alone; null: as `reference`", nullable=True
        ),
        Column("p_value", REAL, "two-sided: Fisher's exact test; normal approximation for predictions"),
        Column("q_value", REAL, "Benjamini-Hochberg over the rates of the same kind"),
        Column("detectable", REAL, "least difference found 4 times in 5; null: none would be", nullable=True),
        Column("status", STRING, "ok, breach (beyond chance and a threshold) or info (no threshold)"),
    ),
    clustered_by=("as_of",),
    written_by="monitor_segments",
)
