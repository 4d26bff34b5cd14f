"""HTTP requests that leave this machine."""
