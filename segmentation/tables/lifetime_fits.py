"""The models of customer lifetime at a cut: parameters, likelihood, and what an earlier fit would have foreseen."""

from segmentation.tables.table import COUNT, DAY, REAL, STRING, Column, Table

EARLIER = "null: no earlier cut of `user_features` lies a horizon back"

LIFETIME_FITS = Table(
    name="lifetime_fits",
    grain="a cut",
    key=("as_of",),
    columns=(
        Column("as_of", DAY, "cut, exclusive"),
        Column("fit_version", STRING, "fingerprint of the fitted parameters"),
        Column("unit_days", COUNT, "days in a unit of time, which alpha is in"),
        *(Column(name, REAL, f"BG/NBD: {name}") for name in ("r", "alpha", "a", "b")),
        Column("buying_log_likelihood", REAL, "BG/NBD: log-likelihood at the maximum, times in units"),
        Column("buying_customers", COUNT, "BG/NBD: customers it rests on"),
        *(
            Column(name, REAL, f"Gamma-Gamma: {name}; null: too few repeat purchases have a value", nullable=True)
            for name in ("p", "q", "v")
        ),
        Column("spending_log_likelihood", REAL, "Gamma-Gamma: log-likelihood; null: not fitted", nullable=True),
        Column("spending_customers", COUNT, "Gamma-Gamma: customers it rests on; null: not fitted", nullable=True),
        Column(
            "checked_as_of", DAY, f"the earlier cut that the model was fitted at to check it; {EARLIER}", nullable=True
        ),
        Column(
            "checked_expected", REAL, f"days with a purchase expected from there to this cut; {EARLIER}", nullable=True
        ),
        Column("checked_actual", COUNT, f"those that came, of the customers known there; {EARLIER}", nullable=True),
        Column("checked_mae", REAL, f"mean absolute error per customer; {EARLIER}", nullable=True),
        Column("naive_mae", REAL, f"the same if all customers kept their rate up to there; {EARLIER}", nullable=True),
    ),
    clustered_by=("as_of",),
    written_by="predict_lifetimes",
)
