"""Models of pairs: one text into another."""
