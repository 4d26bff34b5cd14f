"""Users with planted segments and an outcome that depends on their features in bends and products."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pyarrow as pa
from pyarrow import parquet

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from numpy.typing import NDArray

SEGMENTS, SPREAD = 8, 0.55
"""Planted segments, and the standard deviation of their centres: in 50 features they overlap at their rims."""
CHUNK = 50_000
TEST_SHARE = 0.2
SEED = 7
SEGMENT, LABEL, USER = "segment", "label", "user_id"


@dataclass(frozen=True)
class Users:
    """How many users with how many features, and where their files lie."""

    root: Path
    users: int
    features: int

    @property
    def names(self) -> list[str]:
        """The features' columns."""
        return [f"f{i:02d}" for i in range(self.features)]

    @property
    def train(self) -> Path:
        """Users to learn from."""
        return self._folder / "train.parquet"

    @property
    def test(self) -> Path:
        """As many again by `TEST_SHARE`, whom no model has seen."""
        return self._folder / "test.parquet"

    @property
    def _folder(self) -> Path:
        return self.root / f"models-{self.users}x{self.features}"


def generate(users: Users) -> None:
    """Write both files unless they are there; the same users on any machine."""
    for path, count, part in ((users.train, users.users, 0), (users.test, int(users.users * TEST_SHARE), 1)):
        if not path.exists():
            path.parent.mkdir(parents=True, exist_ok=True)
            made = path.with_suffix(".making")
            with parquet.ParquetWriter(made, _schema(users)) as writer:
                for table in _tables(users, count, part):
                    writer.write_table(table)
            made.rename(path)


def _schema(users: Users) -> pa.Schema:
    columns = [(USER, pa.string()), (SEGMENT, pa.int32()), (LABEL, pa.float64())]
    return pa.schema([*columns, *((name, pa.float64()) for name in users.names)])


def _tables(users: Users, count: int, part: int) -> Iterator[pa.Table]:
    centres = np.random.default_rng([SEED, users.features]).normal(0.0, SPREAD, (SEGMENTS, users.features))
    for number, start in enumerate(range(0, count, CHUNK)):
        rng = np.random.default_rng([SEED, part, number])
        size = min(CHUNK, count - start)
        segment = rng.integers(0, SEGMENTS, size)
        points = centres[segment] + rng.normal(0.0, 1.0, (size, users.features))
        label = (rng.uniform(size=size) < chance(points)).astype(float)
        ids = pa.array([f"{'ut'[part]}{start + i:08d}" for i in range(size)])
        columns = [ids, pa.array(segment.astype(np.int32)), pa.array(label), *map(pa.array, points.T)]
        yield pa.Table.from_arrays(columns, schema=_schema(users))


def chance(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the true probability of the outcome: about a quarter of the users have it."""
    a, b, c, d, e = points.T[:5]
    logit = 1.5 * a * b + np.maximum(c, 0.0) - np.abs(d) + 0.8 * np.sin(2 * e) - 1.4
    return np.asarray(1 / (1 + np.exp(-logit)))
