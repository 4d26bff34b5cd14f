"""Why records are rejected, and how they are flagged."""
