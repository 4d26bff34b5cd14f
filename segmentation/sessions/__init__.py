"""Sessions, and what they add to a user's day."""
