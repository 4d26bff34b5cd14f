"""Reasons for rejection, and checks on ingested data."""
