"""Ways to group users: one file each, listed here; each labels a sample and is fitted to all users."""

from __future__ import annotations

from types import MappingProxyType

from segmentation.models.methods import bisecting, dbscan, kmeans, mixture, ward
from segmentation.models.methods.method import Method

ALL: tuple[Method, ...] = (bisecting, dbscan, kmeans, mixture, ward)
METHODS = MappingProxyType({method.NAME: method for method in ALL})
"""By name."""
