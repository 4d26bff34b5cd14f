"""Hidden states of engagement: how active users in them are, how long they stay, where they go."""

from pyspark.sql.types import ArrayType

from segmentation.tables.table import COUNT, DAY, REAL, STRING, WHOLE, Column, Table

ENGAGEMENT_STATES = Table(
    name="engagement_states",
    grain="a hidden state at a cut",
    key=("as_of", "state"),
    columns=(
        Column("as_of", DAY, "cut, exclusive"),
        Column("state", WHOLE, "1, 2, ... from the least active on; means nothing outside its version"),
        Column("users", COUNT, "users in the state at the cut"),
        Column("periods", COUNT, "users' periods that were decoded to the state"),
        Column("active_days_mean", REAL, "mean days with an event in a period, in the model"),
        Column("active_days_shares", ArrayType(REAL), "probability of 0, 1, 2, ... such days"),
        Column("purchases_mean", REAL, "purchases per period decoded to the state; null: none was", nullable=True),
        Column("start_share", REAL, "probability of beginning in the state"),
        Column("move_shares", ArrayType(REAL), "probability of being in state 1, 2, ... a period later"),
        Column("stay_mean_periods", REAL, "mean length of a stay, in the model; null: it never ends", nullable=True),
        Column("period_days", WHOLE, "days in a period"),
        Column("bics", ArrayType(REAL), "BIC of the models with 1, 2, ... states; the least decided"),
        Column("log_likelihood", REAL, "of the model, on the sample"),
        Column("sampled_users", COUNT, "users that the model was fitted on"),
        Column("version", STRING, "fingerprint of the model"),
    ),
    clustered_by=("as_of",),
    written_by="build_engagement",
)
