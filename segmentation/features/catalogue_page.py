"""Writes docs/features.md: `python -m segmentation.features.catalogue_page > docs/features.md`."""

from __future__ import annotations

import sys
from collections import defaultdict

from segmentation.features import FAMILIES
from segmentation.features.feature import Feature, windows_of
from segmentation.features.params import FeatureParams

SHOWN = FeatureParams(
    funnels=("checkout",),
    loops=True,
    numeric_properties=("pages_viewed",),
    traits={"plan": ("pro",), "marketing_consent": ()},
)
"""The parameters of the page: everything that is off by default is on."""
HEAD = """# Features

What `user_features` says about a user at a cut. This page is generated from the catalogue in
`segmentation/features` (`python -m segmentation.features.catalogue_page > docs/features.md`).

- The cut `as_of` is exclusive: only events that happened and were received before its midnight count. A
  window of n days is [as_of - n days, as_of), in days of the reporting zone; `life` is everything before the
  cut.
- Names are `<name>_<unit>[_<window>]`. Braces stand for one column per window: `{windows}`.
- Null where a feature is undefined, never a made-up zero. A count or sum over nothing is a true 0.
- Windows, product features and platforms are parameters (`features` in the configuration; this page shows the
  defaults, but for the families `sequence`, `properties` and `traits`, which by default have none: here with the funnel
  `checkout`, loops, the numeric property `pages_viewed`, and the traits `plan` and `marketing_consent`). Each name in
  `features.used_features` adds `used_<name>_count_<window>`: how often it happened.
- `python jobs/describe_features.py --lake <lake>` writes how they are distributed, which are undefined, which go
  together and what changed since the cut before; the review shows it.
"""


def catalogue_page(params: FeatureParams) -> str:
    """Return the page in Markdown: one table per family, one row per feature with all its windows."""
    windows = "{" + ",".join(str(window) for window in windows_of(params)) + "}"
    sections = [_section(family.__name__, family.__doc__ or "", family.features(params)) for family in FAMILIES]
    return HEAD.replace("{windows}", windows) + "".join(sections)


def _section(module: str, text: str, features: tuple[Feature, ...]) -> str:
    rows = defaultdict(list)
    for feature in features:
        rows[_stem(feature)].append(feature)
    lines = [_row(stem, group) for stem, group in rows.items()]
    title, _, more = text.strip().partition("\n\n")
    head = f"\n## {module.rsplit('.', 1)[-1]}\n\n{title}\n" + (f"\n{more}\n" if more else "")
    return head + "\n| feature | unit | what it is | null means | from |\n|---|---|---|---|---|\n" + "".join(lines)


def _row(stem: str, group: list[Feature]) -> str:
    """Describe a feature once for all its windows, in the words of the first."""
    first = group[0]
    name = f"{stem}_{{{','.join(str(feature.window) for feature in group)}}}" if len(group) > 1 else first.name
    what = first.description.replace(first.window.text, "in the window") if first.window else first.description
    return f"| `{name}` | {first.unit} | {what} | {first.null_means or 'never null'} | `{first.source}` |\n"


def _stem(feature: Feature) -> str:
    return feature.name.removesuffix(f"_{feature.window}") if feature.window else feature.name


if __name__ == "__main__":
    sys.stdout.write(catalogue_page(SHOWN))
