"""Constraints: automata that say which texts are allowed, and the tables that a search reads."""

from ostinato.decode.constraints.automata import Automaton, balanced, lines_of, of_words, without
from ostinato.decode.constraints.bytes import ByteTable
from ostinato.decode.constraints.layers import LayeredAutomaton, LayeredWalk
from ostinato.decode.constraints.patterns import matching
from ostinato.decode.constraints.rule import Constraint, Stops
from ostinato.decode.constraints.table import SymbolTable
from ostinato.decode.constraints.tokens import Remembered, TokenAutomaton, TokenWalk, token_walk
from ostinato.decode.constraints.walking import Both, CharacterWalk, TableWalk, Walk

__all__ = [
    "Automaton",
    "Both",
    "ByteTable",
    "CharacterWalk",
    "Constraint",
    "LayeredAutomaton",
    "LayeredWalk",
    "Remembered",
    "Stops",
    "SymbolTable",
    "TableWalk",
    "TokenAutomaton",
    "TokenWalk",
    "Walk",
    "balanced",
    "lines_of",
    "matching",
    "of_words",
    "token_walk",
    "without",
]
