import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_rand_score

from segmentation.evaluation.agreement import adjusted_rand_index, cross_tabulate, jaccard_matrix

PAIRS = st.lists(st.tuples(st.integers(0, 4), st.integers(0, 3)), min_size=1, max_size=40)


@settings(deadline=None)
@given(PAIRS)
def test_the_adjusted_rand_index_is_scikit_learns(pairs: list[tuple[int, int]]):
    left, right = np.array(pairs).T
    assert adjusted_rand_index(cross_tabulate(left, right)) == pytest.approx(
        adjusted_rand_score(left, right), abs=1e-12
    )


@settings(deadline=None)
@given(PAIRS)
def test_the_jaccard_matrix_is_that_of_sets(pairs: list[tuple[int, int]]):
    left, right = np.array(pairs).T
    found = jaccard_matrix(cross_tabulate(left, right))
    for i, j in np.ndindex(found.shape):
        a, b = set(np.flatnonzero(left == i)), set(np.flatnonzero(right == j))
        assert found[i, j] == (len(a & b) / len(a | b) if a | b else 0)
