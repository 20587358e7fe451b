"""Progress, colours and lines in the terminal."""
