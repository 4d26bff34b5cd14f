"""What makes two records copies of one event, and which of them survives."""
