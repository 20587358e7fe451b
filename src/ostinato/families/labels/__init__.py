"""Models of labels: a label for each word, for the whole, or in their order."""
