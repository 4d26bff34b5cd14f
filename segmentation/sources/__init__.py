"""Raw sources: how their records become events."""
