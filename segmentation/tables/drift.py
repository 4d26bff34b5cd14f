"""Contract of `drift`: changes of distributions since an earlier cut, split by change of users and of behaviour."""

from segmentation.tables.table import COUNT, DAY, REAL, STRING, Column, Table

UNKNOWN = "null: no user has a known value at one of the cuts"
CATEGORIES = "null: categories have none"

DRIFT = Table(
    name="drift",
    grain="a subject at a cut",
    key=("subject", "as_of"),
    columns=(
        Column("subject", STRING, "what was compared: 'feature:<name>', 'propensity:<target>', or 'segments'"),
        Column("as_of", DAY, "cut, exclusive"),
        Column("baseline_as_of", DAY, "the earlier cut compared with"),
        Column("users_before", COUNT, "users compared at the earlier cut; a fixed sample of many"),
        Column("users_now", COUNT, "users compared at this cut; a fixed sample of many"),
        Column("psi", REAL, "population stability index over the deciles before, null apart"),
        Column("js_distance", REAL, "Jensen-Shannon distance of the same bins, base 2: 0 (alike) to 1"),
        Column("ks", REAL, f"Kolmogorov-Smirnov statistic, null below every value; {CATEGORIES}", nullable=True),
        Column("p_value", REAL, "of Kolmogorov and Smirnov's test; of segments, of the chi-square test"),
        Column("q_value", REAL, "Benjamini-Hochberg over all subjects of the cut"),
        Column("mean_before", REAL, f"mean of the known values; {UNKNOWN}, or categories", nullable=True),
        Column("mean_now", REAL, f"mean of the known values; {UNKNOWN}, or categories", nullable=True),
        Column(
            "mix_effect", REAL, f"part of the change in mean from other shares of segments; {UNKNOWN}", nullable=True
        ),
        Column("within_effect", REAL, f"part from change within segments: both add up; {UNKNOWN}", nullable=True),
        Column("psi_mix", REAL, f"psi, had only the shares of segments changed; {CATEGORIES}", nullable=True),
        Column("psi_within", REAL, f"psi beside that: of change within segments alone; {CATEGORIES}", nullable=True),
        Column("status", STRING, "ok, breach (beyond chance and a threshold) or info (no threshold)"),
    ),
    clustered_by=("as_of",),
    written_by="monitor_segments",
)
