"""The page of training and scoring, made from the stored runs alone."""

from __future__ import annotations

from statistics import median
from typing import TYPE_CHECKING

from benchmarks.models.data import TEST_SHARE
from benchmarks.models.run import read_runs
from benchmarks.models.task import CLUSTERS, DEPTH, ITERATIONS, STEP, TREES

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from benchmarks.models.run import Run

PAGE = "models.md"
HEAD = f"""# Benchmark of training and scoring
<!-- Made by `python -m benchmarks report` from models.jsonl: do not edit. -->
Our k-means and boosted trees (Spark ML, as `train_clusters` and `train_propensity` call them) beside scikit-learn's
`KMeans` and `HistGradientBoostingClassifier` and xgboost, on the same generated users ({CLUSTERS} planted segments that
overlap; an outcome that depends on bends and products of features), the same cores and the same settings: {CLUSTERS}
centres from one start and at most {ITERATIONS} iterations; {TREES} trees of depth {DEPTH}, step {STEP}, no early stop.
Every engine runs in a process of its own, in turns.

- **read**: from Parquet to scaled features in memory. **k-means**, **trees**: training. Seconds in a started engine,
  median over the runs.
- **score**: from Parquet to the answer for every user whom no model has seen, in seconds *per million users*.
- **adjusted Rand** with the planted segments, **AUC-ROC**, **AUC-PR** and **log loss**, on the same unseen users
  ({TEST_SHARE:.0%} as many as trained on).
- **peak GiB**: greatest sum of resident memory of the process and its children.
"""
COLUMNS = (
    *("engine", "runs", "read", "k-means", "trees", "k-means score /1M", "trees score /1M"),
    *("adjusted Rand", "AUC-ROC", "AUC-PR", "log loss", "peak GiB"),
)


def write_page(folder: Path) -> Path:
    """Write the page beside the stored runs."""
    page = folder / PAGE
    page.write_text(page_of(read_runs(folder)))
    return page


def page_of(runs: Sequence[Run]) -> str:
    """Return the page: a table per number of users, features, threads and memory."""
    parts = [HEAD]
    for case in sorted({run.case for run in runs}):
        same = [run for run in runs if run.case == case]
        users, features, threads, memory = case
        parts.append(f"\n## {users:,} users x {features} features\n{threads} threads, {memory}.\n")
        commands = "\n".join(dict.fromkeys(f"python -m benchmarks {run.command}" for run in same))
        parts.append(f"```\n{commands}\n```")
        parts += [_line(COLUMNS), _line(["---", *["---:"] * (len(COLUMNS) - 1)])]
        engines = dict.fromkeys(run.engine for run in same)
        parts += [_line(_cells(engine, [run for run in same if run.engine == engine])) for engine in engines]
    machines = "; ".join(sorted({run.machine for run in runs}))
    commits = ", ".join(sorted({run.commit for run in runs}))
    parts.append(f"\nMachine: {machines}. Commits (a + marks changes on top): {commits}.\n" if runs else "")
    return "\n".join(parts)


def _cells(engine: str, runs: Sequence[Run]) -> list[str]:
    def seconds(phase: str, per: float = 1.0) -> str:
        found = [run.seconds[phase] for run in runs if phase in run.seconds]
        return f"{median(found) / per:.2f}" if found else ""

    def quality(name: str) -> str:
        found = [run.quality[name] for run in runs if name in run.quality]
        return f"{median(found):.3f}" if found else ""

    millions = int(runs[0].users * TEST_SHARE) / 1e6
    return [
        "this suite" if engine == "suite" else engine,
        str(len(runs)),
        *(seconds(phase) for phase in ("read", "kmeans", "gbt")),
        *(seconds(phase, millions) for phase in ("kmeans_score", "gbt_score")),
        *(quality(name) for name in ("adjusted_rand", "auc_roc", "auc_pr", "log_loss")),
        f"{median(run.peak_rss_bytes for run in runs) / 2**30:.1f}",
    ]


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"
