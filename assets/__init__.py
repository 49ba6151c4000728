"""What is fetched: weights and footage by content hash, and where they are kept."""
