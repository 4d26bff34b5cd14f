"""Read raw input: files, Kafka topics and database tables, as records with their position and text."""
