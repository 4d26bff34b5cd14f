"""Parameters of the review: how much of each table the site shows."""

from pydantic import Field

from segmentation.parameters import Parameters


class ReviewParams(Parameters):
    """Limits of the pages. What lies beyond is added up in a bucket of its own, so that totals stay whole."""

    states: int = Field(default=30, ge=2)
    """States by name in the tables of transitions and drop-off."""
    chart_states: int = Field(default=18, ge=2)
    """States by name in the heat map, which must stay legible."""
    paths: int = Field(default=15, ge=1)
    """Most frequent paths listed."""
    path_steps: int = Field(default=6, ge=2)
    """States of a session that paths and flows look at, repeats collapsed."""
    states_per_step: int = Field(default=6, ge=1)
    """States by name in each step of the flow."""
    platforms: int = Field(default=5, ge=1)
    """Platforms by name in the charts over time."""
    periods: int = Field(default=400, ge=30)
    """Points on a time axis at most: days become weeks, then months."""
    weeks: int = Field(default=26, ge=2)
    """Weeks over which engagement is shown."""
    features: int = Field(default=16, ge=1)
    """Features in the profile heat map, those that set segments apart most."""
    map_users: int = Field(default=400, ge=10)
    """Users on the map of segments: always the same ones, by hash."""
    cuts: int = Field(default=26, ge=2)
    """Newest cuts on the page of history."""
    versions: int = Field(default=12, ge=1)
    """Newest versions and decisions listed per model."""
    publications: int = Field(default=30, ge=1)
    """Newest publications listed."""
