"""What a job runs in: the Spark session, the context, the command line."""
