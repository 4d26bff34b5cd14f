"""Connected components of pairs, without any row that knows a whole component."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pyspark.sql import Window
from pyspark.sql import functions as F

from segmentation.checkpoints import checkpoint

if TYPE_CHECKING:
    from pyspark.sql import DataFrame


def find_components(pairs: DataFrame) -> DataFrame:
    """Give every identifier of the pairs the least identifier that it is joined to, however far.

    Alternating large-star and small-star (Kiveris et al., Connected Components in MapReduce and Beyond, 2014): rounds
    grow with the logarithm of a component's size, and every round is one exchange of the pairs. Spark runs per round.

    Args:
        pairs: `high`, `low`; distinct texts, high > low (by bytes), no nulls.

    Returns:
        `identifier`, `person_id`; a row per identifier of the pairs, those that are their own person_id among them.
    """
    edges = checkpoint(pairs.select("high", "low").distinct())
    while not _is_settled(edges):
        edges = checkpoint(_small_star(_large_star(edges)))
    roots = edges.select(F.col("low").alias("identifier"), F.col("low").alias("person_id")).distinct()
    return edges.select(F.col("high").alias("identifier"), F.col("low").alias("person_id")).unionByName(roots)


def _large_star(edges: DataFrame) -> DataFrame:
    """Tie the greater neighbours of every node to the least of it and all its neighbours."""
    upwards = edges.select(F.col("low").alias("node"), F.col("high").alias("other"))
    both = upwards.union(edges.select("high", "low"))
    least = F.least("node", F.min("other").over(Window.partitionBy("node")))
    tied = both.select("node", F.col("other").alias("high"), least.alias("low"))
    return tied.where(F.col("high") > F.col("node")).select("high", "low").distinct()


def _small_star(edges: DataFrame) -> DataFrame:
    """Tie every node and its lesser neighbours to the least of them."""
    least = F.min("low").over(Window.partitionBy("high")).alias("least")
    tied = edges.select("high", "low", least)
    selves, others = tied.select("high", "least"), tied.where("low <> least").select("low", "least")
    return selves.union(others).distinct().toDF("high", "low")


def _is_settled(edges: DataFrame) -> bool:
    """Return whether all pairs are stars: no node has two roots, and no root has one."""
    above = edges.select(F.col("high").alias("node"), F.lit(1).alias("roots"), F.lit(0).alias("leaves"))
    below = edges.select(F.col("low").alias("node"), F.lit(0).alias("roots"), F.lit(1).alias("leaves"))
    nodes = above.union(below).groupBy("node").agg(F.sum("roots").alias("roots"), F.sum("leaves").alias("leaves"))
    return nodes.where("roots > 1 OR (roots = 1 AND leaves > 0)").isEmpty()
