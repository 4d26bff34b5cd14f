"""Segments of users: by rules, by models, and how membership changes between cuts."""
