"""Ingest batches of records: plan and apply the table changes that each batch causes."""
