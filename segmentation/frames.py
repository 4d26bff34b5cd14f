"""Make a frame fit its table's contract, or say everything that is wrong with it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from segmentation.errors import ContractError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

    from segmentation.tables.table import Table


def conform(df: DataFrame, table: Table) -> DataFrame:
    """Select the table's columns in contract order; never cast.

    Args:
        df: frame with at least the contract's columns, in any order.
        table: the contract.

    Returns:
        The frame with exactly the contract's columns. Nullability is not checked here (Spark loses it in joins);
        the written table enforces it.

    Raises:
        ContractError: listing every missing column and every column of another type.
    """
    found = {field.name: field.dataType.simpleString() for field in df.schema.fields}
    problems = [
        f"{c.name}: {found.get(c.name, 'missing')}, contract says {c.type.simpleString()}"
        for c in table.columns
        if found.get(c.name) != c.type.simpleString()
    ]
    if problems:
        raise ContractError(f"frame does not fit table '{table.name}': " + "; ".join(problems))
    return df.select(*table.names)
