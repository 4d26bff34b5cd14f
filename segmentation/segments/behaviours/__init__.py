"""Behaviours that a rule or target can ask for: one file for each kind, listed here."""

from __future__ import annotations

from segmentation.segments.behaviours.behaviour import Behaviour
from segmentation.segments.behaviours.did import Done
from segmentation.segments.behaviours.path import Passed
from segmentation.segments.behaviours.reached import Reached
from segmentation.segments.behaviours.session import Visited
from segmentation.segments.behaviours.trait import HasTrait

FAMILIES: tuple[type[Behaviour], ...] = (Done, Reached, Visited, Passed, HasTrait)
"""In the order in which messages name their keys."""
