"""Pull objects of an API, and land them as files that ingest reads."""

from segmentation.pulls.declaration import PullDeclaration, load_pull
from segmentation.pulls.landing import LandingFolder, SparkFolder
from segmentation.pulls.pull import PullResult, pull_objects

__all__ = ["LandingFolder", "PullDeclaration", "PullResult", "SparkFolder", "load_pull", "pull_objects"]
