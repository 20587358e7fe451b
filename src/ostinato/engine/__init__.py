"""Generation on a CPU by compiled code."""
