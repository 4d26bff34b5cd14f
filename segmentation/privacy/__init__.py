"""Keyed pseudonyms, sealed raw text, and the key that no plan shows."""
