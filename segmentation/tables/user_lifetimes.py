"""Whether customers are still there at a cut, and what they will buy."""

from segmentation.tables.table import COUNT, DAY, REAL, STRING, Column, Table

NEVER = "null: never purchased"
TOO_FEW = "null: never purchased, or too few repeat purchases have a value above 0"

USER_LIFETIMES = Table(
    name="user_lifetimes",
    grain="a user at a cut",
    key=("user_id", "as_of"),
    columns=(
        Column("user_id", STRING, "the person"),
        Column("as_of", DAY, "cut, exclusive"),
        Column("p_alive", REAL, f"probability that more purchases may come (BG/NBD); {NEVER}", nullable=True),
        Column("expected_purchases", REAL, f"days with a purchase in the horizon; {NEVER}", nullable=True),
        Column("expected_value", REAL, f"value of such a day in the reporting currency; {TOO_FEW}", nullable=True),
        Column("expected_spend", REAL, f"expected_purchases x expected_value; {TOO_FEW}", nullable=True),
        Column("horizon_days", COUNT, "days after the cut that are looked at"),
        Column("fit_version", STRING, "fingerprint of the fitted parameters: of a row of `lifetime_fits`"),
    ),
    clustered_by=("as_of",),
    written_by="predict_lifetimes",
)
