"""Run jobs: Spark session, context and command line."""
