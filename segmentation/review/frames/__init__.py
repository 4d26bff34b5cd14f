"""Read-only aggregates of published tables: DataFrame in, few records out. No function here writes."""
