"""Rules: one file for each kind. ``ostinato.decode.pipeline`` says which are on, and in which order."""

from ostinato.decode.rules.base import At, Rule, Rules

__all__ = ["At", "Rule", "Rules"]
