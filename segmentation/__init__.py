"""Behavioural customer segmentation: exact, incremental PySpark jobs over Delta tables."""

__version__ = "0.1.0"
