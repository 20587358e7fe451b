"""The report on a finished run: its losses, and baselines to compare them with."""
