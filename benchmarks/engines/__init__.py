"""One file per engine: ours, and peers written to win."""
