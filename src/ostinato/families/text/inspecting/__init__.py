"""Looking into language models."""
