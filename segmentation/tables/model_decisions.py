"""Contract of `model_decisions`: promotions, rejections and rollbacks of model versions, with reasons."""

from segmentation.tables.table import COUNT, DAY, INSTANT, REAL, STRING, Column, Table

PROMOTED = "promoted"
KEPT = "kept"
ROLLED_BACK = "rolled_back"
NOT_COMPARED = "null: nothing was compared"

MODEL_DECISIONS = Table(
    name="model_decisions",
    grain="a decision on the champion of a model",
    key=("model", "decision_no"),
    columns=(
        Column("model", STRING, "kind of model: 'propensity-<target>', 'clusters'"),
        Column("decision_no", COUNT, "1, 2, ... per model, in the order of decisions"),
        Column("decision", STRING, f"{PROMOTED}, {KEPT} (as challenger; the champion stays) or {ROLLED_BACK}"),
        Column("version", STRING, "registered version that was decided on"),
        Column("champion_before", STRING, "champion until then; null: there was none", nullable=True),
        Column("champion_after", STRING, "champion from then on"),
        Column("as_of", DAY, "cut that the version was trained for, or of the run that rolled it back"),
        Column("decided_at", INSTANT, "when it was written down"),
        Column("metric", STRING, f"what both were compared by, on the same users; {NOT_COMPARED}", nullable=True),
        Column("difference", REAL, f"how much better the version is than the champion; {NOT_COMPARED}", nullable=True),
        Column("lower", REAL, f"lower end of its 95 % interval (paired bootstrap); {NOT_COMPARED}", nullable=True),
        Column("upper", REAL, f"upper end; {NOT_COMPARED}", nullable=True),
        Column("reason", STRING, "why, in words"),
        Column("run_id", STRING, "run that wrote it down"),
    ),
    written_by="train_clusters, train_propensity, rollback_model",
)
