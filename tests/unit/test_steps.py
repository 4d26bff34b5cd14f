"""Steps name the Spark jobs of their thread, and leave the former name behind."""

from __future__ import annotations

from types import SimpleNamespace

import pytest
from py4j.protocol import Py4JNetworkError

from segmentation.steps import DESCRIPTION, step


class Properties:
    """Local properties of one thread, as a SparkContext keeps them."""

    def __init__(self) -> None:
        self.values: dict[str, str | None] = {}

    def getLocalProperty(self, key: str) -> str | None:  # noqa: N802  as in Spark
        return self.values.get(key)

    def setLocalProperty(self, key: str, value: str | None) -> None:  # noqa: N802  as in Spark
        self.values[key] = value


class LostProperties(Properties):
    """Properties of a JVM that is lost before the former description is restored."""

    def setLocalProperty(self, key: str, value: str | None) -> None:  # noqa: N802  as in Spark
        if value is None:
            raise Py4JNetworkError("connection lost")
        super().setLocalProperty(key, value)


@pytest.fixture
def context() -> Properties:
    return Properties()


@pytest.fixture
def spark(context: Properties) -> SimpleNamespace:
    return SimpleNamespace(sparkContext=context)


def test_step__inner_step_replaces_the_outer_one(spark, context) -> None:
    with step(spark, "outer"):
        with step(spark, "inner"):
            assert context.values[DESCRIPTION] == "inner"
        assert context.values[DESCRIPTION] == "outer"
    assert context.values[DESCRIPTION] is None


def test_step__restores_after_an_error(spark, context) -> None:
    with pytest.raises(ValueError, match="broken"), step(spark, "outer"):
        raise ValueError("broken")
    assert context.values[DESCRIPTION] is None


def test_step__a_lost_jvm_does_not_hide_the_error() -> None:
    spark = SimpleNamespace(sparkContext=LostProperties())
    with pytest.raises(ValueError, match="broken"), step(spark, "outer"):
        raise ValueError("broken")


@pytest.mark.parametrize("session", [None, SimpleNamespace()], ids=["no session", "Spark Connect"])
def test_step__no_spark_context(session) -> None:
    with step(session, "outer"):
        pass
