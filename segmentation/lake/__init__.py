"""Read and write Delta tables: versions, publications, commits and the lock of the lake."""
