"""Output heads: the only place where probability is defined."""
