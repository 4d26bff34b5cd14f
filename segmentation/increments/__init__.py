"""The engine: takes in a slice of records and says what to retract from and add to every table."""
