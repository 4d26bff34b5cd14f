"""How fast we are, next to others on the same input: generator, engines, equality, measurements, report."""
