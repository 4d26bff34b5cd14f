"""Profile a run from Spark's event log: what each of its steps costs."""
