"""Write the code with which sites and apps send the events of the tracking plan. It needs no Spark session."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from segmentation.errors import SegmentationError
from segmentation.instrumentation.generate import MEASUREMENT_ID, VENDOR, generate_instrumentation
from segmentation.sources.tracking_plan import load_tracking_plan

if TYPE_CHECKING:
    from collections.abc import Sequence


def write_instrumentation(argv: Sequence[str] | None = None) -> int:
    """Write the files and print their paths; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m segmentation.instrumentation", description=__doc__)
    parser.add_argument("--conf-dir", type=Path, default=Path("conf"), help="folder of tracking_plan.yaml")
    parser.add_argument(
        "--out", type=Path, required=True, help="folder to write to; files of the same names are replaced"
    )
    parser.add_argument("--measurement-id", default=MEASUREMENT_ID, help="of GA4's web stream")
    parser.add_argument("--vendor", default=VENDOR, help="reversed domain of your company")
    options = parser.parse_args(argv)
    try:
        plan = load_tracking_plan(options.conf_dir)
        files = generate_instrumentation(plan, measurement_id=options.measurement_id, vendor=options.vendor)
    except SegmentationError as error:
        print(f"instrumentation: {error}", file=sys.stderr)  # noqa: T201
        return error.exit_code
    for path, text in files.items():
        target = options.out / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
        print(target)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(write_instrumentation())
