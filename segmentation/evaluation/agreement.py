"""Compare two groupings of the same users, from the number of users in each pair of groups."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

ADJUSTED_RAND = "adjusted_rand"


def cross_tabulate(left: NDArray[np.int_], right: NDArray[np.int_]) -> NDArray[np.int_]:
    """Count the points in each pair of groups; groups are numbered from 0, rows are the left ones."""
    table = np.zeros((int(left.max()) + 1, int(right.max()) + 1), dtype=np.int_)
    np.add.at(table, (left, right), 1)
    return table


def jaccard_matrix(table: NDArray[np.int_]) -> NDArray[np.float64]:
    """Return |A and B| / |A or B| of each left group A with each right group B; 0 where both are empty."""
    either = table.sum(axis=1, keepdims=True) + table.sum(axis=0, keepdims=True) - table
    return np.divide(table, either, out=np.zeros(table.shape), where=either > 0)


def adjusted_rand_index(table: NDArray[np.int_]) -> float:
    """Compute the adjusted Rand index: 1 for equal groups, about 0 for groups that have nothing to do with each other.

    Formula: Hubert and Arabie (1985), Comparing partitions, J. Classification 2, of a cross-tabulation alone, so that
    it costs the same for any number of users. Where both have one group only, or one point per group, it is 1, as in
    scikit-learn.
    """
    counts = table.astype(float)
    both, left, right = (_pairs(part) for part in (counts, counts.sum(axis=1), counts.sum(axis=0)))
    expected = left * right / max(_pairs(counts.sum()), 1.0)
    most = (left + right) / 2
    return 1.0 if most == expected else float((both - expected) / (most - expected))


def _pairs(counts: NDArray[np.float64]) -> float:
    return float(np.sum(counts * (counts - 1) / 2))
