"""The page's chapters: each reads published tables of a lake and says what they show."""
