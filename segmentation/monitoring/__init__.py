"""Watching what is in use: drift, rates, predictions come true, and telling of it. Plain numbers in, findings out."""
