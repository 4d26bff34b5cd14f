"""A landing folder of the local disk, and one whose run is killed."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path


class Killed(BaseException):
    """The run ends here, and nothing of it is cleaned up."""


class DiskFolder:
    def __init__(self, path: Path) -> None:
        self.path = path
        path.mkdir(exist_ok=True)

    def names(self) -> list[str]:
        return [file.name for file in self.path.iterdir()]

    def read(self, name: str) -> str:
        return (self.path / name).read_text(encoding="utf-8")

    def land(self, name: str, text: str) -> None:
        hidden = self.path / f".{name}.part"
        hidden.write_text(text, encoding="utf-8")
        hidden.rename(self.path / name)


class FailingFolder(DiskFolder):
    """Kill the run at the n-th file: before it has its name, or after."""

    def __init__(self, path: Path, number: int, when: str) -> None:
        super().__init__(path)
        self.left, self.when = number, when

    def land(self, name: str, text: str) -> None:
        self.left -= 1
        if self.left == 0 and self.when == "before":
            (self.path / f".{name}.part").write_text(text[: len(text) // 2], encoding="utf-8")
            raise Killed
        super().land(name, text)
        if self.left == 0:
            raise Killed
