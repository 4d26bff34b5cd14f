"""All reads and writes: Delta tables, raw files, publications and the lake's lock."""
