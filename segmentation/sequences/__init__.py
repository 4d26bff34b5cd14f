"""Sequences: transitions, their rates, and paths."""
