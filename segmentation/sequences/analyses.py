"""Build all tables of journeys at a cut from the same steps: funnels, comparisons, chains, paths and drop-offs."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from pyspark.sql import functions as F

from segmentation.frames import empty_frame, union_all
from segmentation.parameters import fingerprint_of
from segmentation.sequences.comparisons import build_differences, load_comparisons
from segmentation.sequences.drop_offs import build_drop_offs
from segmentation.sequences.funnels import build_funnel, load_funnels
from segmentation.sequences.groups import TRAIT
from segmentation.sequences.journeys import build_journeys
from segmentation.sequences.paths import build_flows, build_user_sequences, limit_edges, rank_paths
from segmentation.sequences.states import load_states
from segmentation.tables import (
    DROP_OFFS,
    FUNNELS,
    JOURNEY_CHAINS,
    JOURNEY_DIFFERENCES,
    JOURNEY_FLOWS,
    JOURNEY_STATES,
    PATH_EDGES,
    PATHS,
    USER_SEQUENCES,
)

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from pyspark.sql import DataFrame, SparkSession

    from segmentation.parameters import Parameters, WorkspaceParams
    from segmentation.sequences.comparisons import GroupComparison
    from segmentation.sequences.funnels import Funnel
    from segmentation.sequences.params import SequenceParams
    from segmentation.sequences.states import StateMapping
    from segmentation.tables import Table

OF_CLUSTERS = {"cluster_sample", "max_clusters", "indel"}
"""Parameters that shape the clusters of journeys only, which another job builds."""
FREQUENT_STATES = 5
"""States that a note names."""


class DeclaredAnalyses(NamedTuple):
    """The files in the configuration folder that declare analyses of sequences."""

    states: StateMapping
    funnels: Sequence[Funnel]
    comparisons: Sequence[GroupComparison]


def load_analyses(conf_dir: Path) -> DeclaredAnalyses:
    """Load the states, funnels and comparisons of a configuration folder.

    Raises:
        ConfigurationError: a file is wrong; names it.
    """
    return DeclaredAnalyses(load_states(conf_dir), load_funnels(conf_dir), load_comparisons(conf_dir))


def needs_traits(declared: DeclaredAnalyses, params: SequenceParams) -> bool:
    """Return whether any group asks for the value of a trait."""
    dimensions = (*params.groups, *(name for funnel in declared.funnels for name in funnel.by))
    compared = any(side.traits for comparison in declared.comparisons for side in comparison.sides)
    return compared or any(name.startswith(TRAIT) for name in dimensions)


def build_analyses(
    steps: DataFrame,
    paths: DataFrame,
    *,
    declared: DeclaredAnalyses,
    params: SequenceParams,
    as_of: date,
    time_zone: str,
    memberships: DataFrame,
) -> dict[Table, DataFrame]:
    """Build the rows of every table of journeys at a cut.

    Args:
        steps: rows of `build_steps` before the cut; read several times, so best cached.
        paths: rows of `build_paths` from them; read twice.
        declared: funnels and comparisons, and the states that they name.
        params: sizes, goals and groups.
        as_of: the cut, a day of `time_zone`, exclusive.
        time_zone: the reporting zone.
        memberships: of `list_memberships` at the cut, by which groups of users are told apart.

    Returns:
        Table -> its rows at the cut, in the order in which they are written. A table of funnels or comparisons is empty
        if none is declared.
    """
    journeys = build_journeys(steps, params=params, as_of=as_of, memberships=memberships)
    funnels = [
        build_funnel(
            steps,
            funnel=one,
            as_of=as_of,
            time_zone=time_zone,
            version=_version(one, declared.states),
            memberships=memberships,
        )
        for one in declared.funnels
    ]
    compared = [
        build_differences(
            steps, comparison=one, as_of=as_of, version=_version(one, declared.states), memberships=memberships
        )
        for one in declared.comparisons
    ]
    edges = build_flows(paths, states_per_step=params.states_per_step)
    return {
        FUNNELS: _all(steps.sparkSession, FUNNELS, funnels),
        JOURNEY_DIFFERENCES: _all(steps.sparkSession, JOURNEY_DIFFERENCES, compared),
        JOURNEY_FLOWS: journeys.flows,
        JOURNEY_STATES: journeys.states,
        JOURNEY_CHAINS: journeys.chains,
        DROP_OFFS: build_drop_offs(steps, params=params, as_of=as_of, memberships=memberships),
        PATHS: rank_paths(paths, limit=params.max_paths, as_of=as_of),
        PATH_EDGES: limit_edges(edges, limit=params.max_edges, as_of=as_of),
        USER_SEQUENCES: build_user_sequences(steps, limit=params.max_steps, goals=params.goals, as_of=as_of),
    }


def analysis_parameters(params: SequenceParams, states: StateMapping, workspace: WorkspaceParams) -> dict[str, str]:
    """Return the fingerprints of everything that changes the tables of a cut: cuts under different ones are not mixed.

    Funnels and comparisons are not among them, as each row names the version of its own.
    """
    return {
        "sequences": fingerprint_of(params.model_dump(mode="json", exclude=OF_CLUSTERS)),
        "states": states.fingerprint,
        "workspace": workspace.fingerprint,
    }


def summarise_analyses(funnels: DataFrame, differences: DataFrame, as_of: date) -> dict[str, Any]:
    """Summarise the tables of a cut: the counts that reach each step of a funnel, and the transitions that differ.

    Args:
        funnels: rows of `funnels` of any cuts; those of all sessions or users together are read.
        differences: rows of `journey_differences` of any cuts; findings are read, least q-value first.
        as_of: the cut.
    """
    at_cut = F.col("as_of") == F.lit(as_of)
    steps = funnels.where(at_cut & (F.col("dimension") == "all")).orderBy("funnel", "step").collect()  # a row per step
    found = differences.where(at_cut & F.col("found")).orderBy("comparison", "q_value").collect()  # a row per finding
    reached: dict[str, list[int]] = {}
    for row in steps:
        reached.setdefault(row["funnel"], []).append(row["reached"])
    named: dict[str, list[str]] = {}
    for row in found:
        named.setdefault(row["comparison"], []).append(f"{row['from_state']} -> {row['to_state']}")
    return {"funnels": reached, "differences": named}


def note_goals_never_reached(steps: DataFrame, goals: Sequence[str], funnels: Mapping[str, Sequence[int]]) -> list[str]:
    """Say that no session reaches a goal, with the most frequent states, and which funnels are never completed.

    Args:
        steps: rows of `build_steps` before the cut.
        goals: states that are the goal of a journey.
        funnels: name of a funnel -> how many reached each of its steps (:func:`summarise_analyses`).
    """
    notes = []
    if steps.where(F.col("state").isin(*goals)).isEmpty():
        counted = steps.groupBy("state").agg(F.count(F.lit(1)).alias("n"))
        frequent = [row["state"] for row in counted.orderBy(F.desc("n"), "state").limit(FREQUENT_STATES).collect()]
        notes.append(
            f"no session reaches a goal (sequences.goals: {', '.join(goals)}), so rates of conversion and lost "
            f"conversions are 0; the most frequent states are {', '.join(frequent)}"
        )
    for name, reached in funnels.items():
        missed = next((number for number, count in enumerate(reached, 1) if not count), None)
        if missed is not None:
            notes.append(
                f"funnel '{name}': step {missed} of {len(reached)} is never reached; see conf/funnels/{name}.yaml"
            )
    return notes


def _all(spark: SparkSession, table: Table, parts: Sequence[DataFrame]) -> DataFrame:
    return union_all(parts) if parts else empty_frame(spark, table.schema)


def _version(declared: Parameters, states: StateMapping) -> str:
    """Fingerprint the meaning of a result, to which descriptions do not belong."""
    return fingerprint_of([declared.model_dump(mode="json", exclude={"description"}), states.model_dump(mode="json")])
