import pytest
from pyspark.sql import SparkSession

from segmentation.evaluation.figures import Figure
from segmentation.evaluation.ledger import EVENTS_DIFFERENCE, LEDGER_IMBALANCE, QUARANTINED_SHARE, reconcile_ledger
from segmentation.evaluation.params import EvaluationParams
from segmentation.tables import INGEST_LEDGER

Figures = dict[tuple[str, str], Figure]

pytestmark = pytest.mark.spark


def rows(batch, source, **records):
    return [(batch, source, None, None, stage, None, n) for stage, n in records.items()]


@pytest.fixture(scope="module")
def figures(spark: SparkSession):
    whole = {"read": 10, "unparsable": 1, "parsed": 9, "accepted": 6, "duplicate": 2, "quarantined": 1}
    ledger = [
        *rows("a", "shop", **whole),
        *rows("b", "shop", **{**whole, "read": 15, "parsed": 14, "excluded": 5}),
        # Two batches whose errors would cancel in a sum over the source.
        *rows("c", "till", **{**whole, "read": 11}),
        *rows("d", "till", **{**whole, "read": 9}),
    ]
    events = spark.createDataFrame([("shop",)] * 12 + [("till",)] * 11, "source STRING")
    found = reconcile_ledger(
        spark.createDataFrame(ledger, INGEST_LEDGER.schema), events, params=EvaluationParams(quarantined_share_max=0.1)
    )
    return {(f.metric, f.scope): f for f in found}


def test_a_ledger_that_adds_up_is_ok(figures: Figures):
    for metric in (LEDGER_IMBALANCE, EVENTS_DIFFERENCE):
        figure = figures[metric, "ingest:shop"]
        assert (figure.value, figure.status) == (0.0, "ok")
    assert figures["records_accepted", "ingest:shop"].value == 12


def test_one_batch_does_not_make_up_for_another(figures: Figures):
    figure = figures[LEDGER_IMBALANCE, "ingest:till"]
    assert (figure.value, figure.status) == (2.0, "breach")


def test_accepted_records_that_are_not_there_are_told(figures: Figures):
    assert figures[EVENTS_DIFFERENCE, "ingest:till"].value == 1.0
    assert figures[EVENTS_DIFFERENCE, "ingest:till"].status == "breach"


def test_the_rejected_share_has_its_threshold(figures: Figures):
    figure = figures[QUARANTINED_SHARE, "ingest:shop"]
    assert figure.value == pytest.approx(0.2)
    assert figure.status == "breach"
