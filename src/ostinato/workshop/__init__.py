"""The workshop: from a corpus and a request to a run that trains, and from a saved model to one in the hand."""
