"""Plain data on disk: sealed documents, and folders that appear whole or not at all. Knows nothing of models."""
