"""The report on a finished run: how good it is, and beside what."""
