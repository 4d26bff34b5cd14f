"""Users by the hidden state of engagement that they were in, stay by stay, at the newest cut."""

from segmentation.tables.table import COUNT, DAY, FLAG, REAL, STRING, WHOLE, Column, Table

ENGAGEMENT_STAYS = Table(
    name="engagement_stays",
    grain="a user's stay in a state of engagement: periods in a row",
    key=("user_id", "started_date"),
    columns=(
        Column("user_id", STRING, "the person"),
        Column("as_of", DAY, "cut, exclusive; the table holds one"),
        Column("started_date", DAY, "first day of the stay's first period (engagement.period_days days each)"),
        Column("until_date", DAY, "day after its last period"),
        Column("state", WHOLE, "1, 2, ... from the least active on; means nothing outside its version"),
        Column("previous_state", WHOLE, "state of the stay before; null: the first that is looked at", nullable=True),
        Column("periods", WHOLE, "length of the stay in periods"),
        Column("active_days", COUNT, "days with an event in the stay"),
        Column("purchases", COUNT, "purchases in the stay"),
        Column("certainty", REAL, "mean probability of the state, given all of the user's periods"),
        Column("is_current", FLAG, "whether the stay lasts to the cut: one per user"),
        Column("version", STRING, "fingerprint of the model, as in engagement_states"),
    ),
    clustered_by=("until_date", "state"),
    written_by="build_engagement",
)
