"""A pull whose process is killed (SIGKILL) again and again, each time one request later, and continues."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

from tests.conftest import PROJECT
from tests.unit.pulls.fakes import TOKEN, serving
from tests.unit.pulls.folders import DiskFolder
from tests.unit.pulls.test_pull import VENDORS, assert_each_row_once

if TYPE_CHECKING:
    from pathlib import Path

pytest.importorskip("dlt", reason="the extra `pull` is not installed")
pytestmark = pytest.mark.faults
SCRIPT = """
import sys
from pathlib import Path
from segmentation.pulls import pull_objects
from tests.unit.pulls.folders import DiskFolder
from tests.unit.pulls.test_pull import declared
pull_objects(declared(sys.argv[1], sys.argv[2]), DiskFolder(Path(sys.argv[3])))
"""


@pytest.mark.parametrize("name", VENDORS)
def test_pull__killed_one_request_later_each_time_lands_each_row_once(tmp_path: Path, name: str) -> None:
    fake = VENDORS[name][0]()
    tokens = dict.fromkeys(("HUBSPOT_TOKEN", "SHOPIFY_TOKEN", "ZENDESK_TOKEN", "SALESFORCE_TOKEN", "GA4_TOKEN"), TOKEN)
    environment = {**os.environ, **tokens, "GA4_PROPERTY": "123", "PYTHONPATH": str(PROJECT)}
    running: list[subprocess.Popen[bytes]] = []
    kills = 0
    with serving(fake) as url:
        for allowed in range(1, 60):  # each run gets one request further than the one before
            first = fake.requests

            def kill(number: int, last: int = first + allowed) -> None:
                if number == last:
                    running[-1].send_signal(signal.SIGKILL)
                    running[-1].wait()

            fake.before = kill
            command = [sys.executable, "-c", SCRIPT, name, url, str(tmp_path)]
            running.append(subprocess.Popen(command, env=environment, cwd=PROJECT, stderr=subprocess.DEVNULL))
            if running[-1].wait() == 0:
                break
            kills += 1
    assert running[-1].returncode == 0
    assert kills >= 3
    assert_each_row_once(DiskFolder(tmp_path), fake)
