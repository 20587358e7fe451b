"""Folk tunes in ABC notation, written by language models of tokens."""
