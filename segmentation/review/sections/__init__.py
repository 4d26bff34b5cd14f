"""The chapters of the pages: each reads published tables of a lake and says what they show."""
