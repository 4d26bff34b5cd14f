"""A lake of several sources with traits, and a configuration of its own."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from jobs import ingest_events
from segmentation.runtime.main import open_context

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from datetime import date
    from pathlib import Path

    from pyspark.sql import Row, SparkSession

    from segmentation.runtime.context import Context, RunReport
    from segmentation.tables import Table

LARGE_LAKE = "ingest.small_lake_mb=0"


@dataclass
class Case:
    """A folder with a lake and a configuration, and a way to run jobs on them in the tests' session."""

    spark: SparkSession
    folder: Path
    sources: Mapping[str, str]
    profiles: str
    rules: Mapping[str, str]
    settings: Sequence[str] = ()
    identities: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Write the configuration; `rules` are the lines of a rule after its name and description."""
        files = {f"sources/{name}.yaml": mapping for name, mapping in self.sources.items()}
        files |= {f"segments/{n}.yaml": f"name: {n}\ndescription: text\n{rule}\n" for n, rule in self.rules.items()}
        files |= {"targets/views.yaml": "name: views\nhappens: {did: view}\n", "profiles.yaml": self.profiles}
        files |= {"base.yaml": "", "local.yaml": "", "identities.yaml": json.dumps(self.identities)}
        for name, text in files.items():
            path = self.folder / "conf" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def run(self, job: Any, lake: str = "lake", as_of: date | None = None, **options: Any) -> RunReport:
        return job.run(self.context(lake, as_of, **options))

    def context(self, lake: str = "lake", as_of: date | None = None, **options: Any) -> Context:
        opened = open_context(
            conf_dir=self.folder / "conf",
            lake=str(self.folder / lake),
            overrides=(LARGE_LAKE, *self.settings),
            options={"conf_dir": str(self.folder / "conf"), **options},
            spark=self.spark,
            as_of=as_of,
        )
        opened.lake.recover()
        return opened

    def send(self, source: str, name: str, sent: Sequence[dict[str, Any]]) -> None:
        path = self.folder / f"{source}_{name}.jsonl"
        path.write_text("".join(json.dumps(one) + "\n" for one in sent))
        self.run(ingest_events, source=source, input=[str(path)])

    def rows(self, table: Table, where: str = "true") -> list[Row]:
        return self.context().lake.read(table).where(where).collect()
