"""Cores: recurrences by their names (``table``), a file each, and the state algebra they live in (``state``)."""
