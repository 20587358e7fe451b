"""Language models: running text, and lists of items."""
