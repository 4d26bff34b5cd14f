"""Models of users: clusters and propensities, as Spark ML pipelines of native stages only."""
