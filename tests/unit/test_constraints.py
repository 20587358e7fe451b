"""Constraints against what they mean: every text that ends matches, and what masking does to the distribution."""

import math
import re
import shutil
import signal
import sys
import threading
import time

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ostinato.codecs import ByteCodec, CharacterCodec, SubwordCodec, WordCodec
from ostinato.decode import constraints
from ostinato.decode.constraints import SymbolTable, TableWalk
from ostinato.decode.constraints.building import PatternBuilder
from ostinato.decode.constraints.bytes import DEAD
from ostinato.decode.constraints.walking import UNREACHABLE, fewest_steps
from ostinato.decode.pipeline import RuleSettings
from ostinato.decode.searching import SearchSettings
from ostinato.errors import ConfigError, EngineError
from ostinato.families.text.exact import ExactSampler
from ostinato.families.text.generation import Generation
from ostinato.families.text.network import LanguageModel

LETTERS = "abcdefgh ()[].\n\"'é0123456789-"
CORPUS = ["the cat (on a mat) is bad. " * 30, "be a cab, dad\n" * 30, '"a [bed] é" 2024-01-31 ' * 30]
CODECS = {
    "characters": lambda end: CharacterCodec(LETTERS, end=end),
    "bytes": lambda end: ByteCodec(end=end),
    "subwords": lambda end: SubwordCodec.learn(CORPUS, vocabulary=300, end=end),
    "words": lambda end: WordCodec.learn(CORPUS, vocabulary=100, spell=True, end=end),
}


def untrained(codec):
    torch.manual_seed(0)
    return LanguageModel(codec.size, core="gru", layers=1, hidden_size=8, embedding_size=4).eval()


def accepts(table, text):
    state = 0
    for byte in text.encode():
        state = table.next[state, byte]
        if state == DEAD:
            return False
    return bool(table.accepts[state])


PATTERNS = [
    r"(a|b)*c",
    r"[a-c]{2,4}(de)?",
    r"\d{4}-(0[1-9]|1[0-2])",
    r"(?i)ab|cd",
    r"a?b?c?",
    r"(é|e)+\.",
    r"[^x]*x",
    r"(ab)?",
    r"(ab|abcd)*",
    r"é?a{0,2}",
    "",
]


@pytest.mark.parametrize("pattern", PATTERNS)
@settings(max_examples=60, deadline=None)
@given(text=st.text(alphabet="abcdexé.0129-", max_size=8))
def test_a_pattern_accepts_what_pythons_own_matcher_does(pattern, text):
    assert accepts(constraints.matching(pattern), text) == bool(re.fullmatch(pattern, text))


@settings(deadline=None)
@given(text=st.text(alphabet='()[]a" ', max_size=10))
def test_brackets_accept_what_a_stack_does(text):
    stack, good = [], True
    for character in text:
        if stack and character == {"(": ")", "[": "]", '"': '"'}[stack[-1]]:
            stack.pop()
        elif character in '(["':
            stack.append(character)
            good = good and len(stack) <= 3
        elif character in ")]":
            good = False
    assert accepts(constraints.balanced('()[]""', depth=3), text) == (good and not stack)


@given(text=st.text(alphabet="aé\n", max_size=12), most=st.integers(1, 4))
def test_lines_are_as_long_as_they_have_characters(text, most):
    assert accepts(constraints.lines_of(most), text) == all(len(line) <= most for line in text.split("\n"))


@given(
    text=st.text(alphabet="abé", max_size=10),
    banned=st.lists(st.text(alphabet="abé", min_size=1, max_size=3), min_size=1, max_size=3),
)
def test_banned_strings_never_occur(text, banned):
    assert accepts(constraints.without(banned), text) == (not any(string in text for string in banned))


@given(text=st.text(alphabet="abc .", max_size=10))
def test_a_lexicon_accepts_its_words_with_anything_between_that_is_no_letter(text):
    words = {"a", "ab", "cab"}
    found = [word for word in re.split(r"[ .]+", text) if word]
    assert accepts(constraints.of_words(words), text) == all(word in words for word in found)


def test_a_lexicon_knows_capitals():
    table = constraints.of_words(["cat", "Rome"])
    assert [accepts(table, word) for word in ("Cat", "CAT", "cAT", "Rome", "rome")] == [True, True, False, True, False]


@given(st.integers(2, 12), st.randoms())
def test_the_fewest_steps_are_those_of_a_walk_over_all_paths(states, random):
    table = np.array([[random.choice([DEAD, *range(states)]) for _ in range(3)] for _ in range(states)])
    accepting = np.array([random.random() < 0.3 for _ in range(states)])
    expected = np.where(accepting, 0, UNREACHABLE)
    for _ in range(states):
        for state in range(states):
            after = [expected[to] + 1 for to in table[state] if to != DEAD]
            expected[state] = min([expected[state], *after])
    assert fewest_steps(table, accepting).tolist() == np.minimum(expected, UNREACHABLE).tolist()


DATE = "[0-9]{4}-(0[1-9]|1[0-2])-[0-3][0-9]"
ROUND, SQUARE = constraints.balanced("()"), constraints.balanced("()[]")
CASES = {
    "pattern": ({"match": r"(a|b)+c(de)*\."}, lambda t: re.fullmatch(r"(a|b)+c(de)*\.", t)),
    "date": ({"match": DATE}, lambda t: re.fullmatch(DATE, t)),
    "lexicon": ({"lexicon": ["cat", "a", "bed"]}, lambda t: set(re.findall(r"\w+", t.lower())) <= {"cat", "a", "bed"}),
    "brackets": ({"brackets": "()[]"}, lambda t: accepts(SQUARE, t)),
    "lines": ({"max_line": 6}, lambda t: all(len(line) <= 6 for line in t.split("\n"))),
    "ban": ({"ban": ["a", "be"]}, lambda t: "a" not in t and "be" not in t),
    "both": (
        {"match": r"[a-h (\)]*\.", "brackets": "()", "max_line": 9},
        lambda t: re.fullmatch(r"[a-h (\)]*\.", t) and accepts(ROUND, t) and len(t) <= 9,
    ),
}


@pytest.mark.parametrize("codec", CODECS)
@pytest.mark.parametrize("end", [False, True])
@pytest.mark.parametrize("case", CASES)
def test_every_text_fulfils_its_constraint_with_every_codec(codec, end, case):
    options, check = CASES[case]
    codec = CODECS[codec](end)
    run = Generation(codec, untrained(codec), [""], samples=64, length=14, seed=1, rules=RuleSettings(**options))
    samples = run.finish()
    assert all(check(sample.text) for sample in samples), [s.text for s in samples if not check(s.text)][:3]
    assert {sample.ending for sample in samples} <= {"end", "complete", "length"}
    assert all(sample.log_kept <= 1e-9 for sample in samples)


@pytest.mark.parametrize("case", CASES)
def test_ten_thousand_samples_all_match(case):
    options, check = CASES[case]
    codec = CharacterCodec(LETTERS, end=True)
    rules = RuleSettings(**options)
    texts = []
    for first in range(0, 10_000, 1000):
        run = Generation(codec, untrained(codec), [""], samples=1000, length=12, seed=first, rules=rules)
        texts += [sample.text for sample in run.finish()]
    assert len(texts) == 10_000
    assert all(check(text) for text in texts)


@pytest.mark.parametrize("search", [{"greedy": True}, {"beam": 4, "n_best": 4}, {"beam": 4, "stochastic": True}])
def test_searches_keep_to_the_constraint_too(search):
    codec = CharacterCodec(LETTERS)
    rules = RuleSettings(match=r"(a|b){2,5}c\d")
    run = Generation(codec, untrained(codec), [""], length=9, settings=SearchSettings(**search), rules=rules)
    samples = run.finish()
    assert samples
    assert all(re.fullmatch(r"(a|b){2,5}c\d", sample.text) and sample.ending == "complete" for sample in samples)


def test_what_the_prompt_left_open_is_closed_and_its_line_counts():
    codec = CharacterCodec(LETTERS)
    rules = RuleSettings(brackets="()[]", max_line=12)
    prompts = ["ab (cd [ef", "a) b", "(((("]
    for sample in Generation(codec, untrained(codec), prompts, samples=20, length=30, seed=1, rules=rules).finish():
        whole = sample.prompt.replace("a) ", "a ") + sample.text
        assert accepts(constraints.balanced("()[]"), whole)
        assert all(len(line) <= 12 for line in whole.split("\n")) or len(sample.prompt) > 12
    with pytest.raises(ConfigError, match="needs at least 4 symbols, but the length is 3; use --length 4 or more"):
        Generation(codec, untrained(codec), prompts, length=3, rules=rules)


def enumerated(codec, model, check, longest):
    """Every text that fulfils a constraint, with its probability by the model, and as masking would draw it."""
    found = {}

    def walk(prefix, log_prob, log_drawn):
        ids = torch.tensor([[codec.begin, *prefix]])
        with torch.inference_mode():
            log_probs = model.log_probs(ids)[0][0, -1].double()
        live = {s: check(codec, (*prefix, s), longest - len(prefix) - 1) for s in range(codec.size)}
        kept = torch.logsumexp(log_probs[[s for s, ok in live.items() if ok]], 0)
        for symbol, ok in live.items():
            if ok:
                own, drawn = log_prob + log_probs[symbol].item(), log_drawn + (log_probs[symbol] - kept).item()
                if symbol == codec.end or len(prefix) + 1 == longest:
                    found[codec.decode((*prefix, symbol))] = (math.exp(own), math.exp(drawn))
                else:
                    walk((*prefix, symbol), own, drawn)

    walk((), 0.0, 0.0)
    return found


def of_even_a(codec, symbols, left):
    """At most 4 letters, with an even number of a: whether that can still be fulfilled."""
    text = codec.decode(symbols)
    odd = text.count("a") % 2
    return not odd if symbols[-1] == codec.end else odd <= left


class EvenA:
    """The same as an automaton that a user would write."""

    start = 0

    def step(self, state, character):
        return state ^ (character == "a")

    def accepts(self, state):
        return state == 0


def close(found, expected, draws):
    for text, p in expected.items():
        assert abs(found.count(text) / draws - p) < 5 * math.sqrt(p * (1 - p) / draws) + 1e-9, text


def test_masking_draws_from_its_own_distribution_and_exact_from_the_conditional_one():
    codec = CharacterCodec("ab", end=True)
    torch.manual_seed(3)
    model = LanguageModel(codec.size, core="gru", layers=1, hidden_size=6, embedding_size=4).eval()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.mul_(3)
    expected = enumerated(codec, model, of_even_a, 4)
    total = sum(own for own, _ in expected.values())
    conditional = {text: own / total for text, (own, _) in expected.items()}
    masked = {text: drawn for text, (_, drawn) in expected.items()}
    assert sum(masked.values()) == pytest.approx(1.0)
    assert max(abs(conditional[t] - masked[t]) for t in masked) > 0.02  # masking is another distribution
    rules, draws = RuleSettings(automaton=EvenA()), 4000
    samples = Generation(codec, model, [""], samples=draws, length=4, seed=1, rules=rules).finish()
    close([sample.text for sample in samples], masked, draws)
    for sample in samples[:50]:
        assert math.exp(sample.log_prob - sample.log_kept) == pytest.approx(masked[sample.text], rel=1e-3)
    sampler = ExactSampler(codec, model, rules, length=4)
    assert sampler.method("") == "enumeration"
    close([sample.text for sample in sampler.samples([""], draws, 1)], conditional, draws)
    found = sampler._rejected("", range(draws))
    close([sample.text for sample in found], conditional, draws)
    assert [s.text for s in found[:3]] == [sampler._rejected("", [seed])[0].text for seed in range(3)]


def test_long_texts_are_drawn_exactly_by_rejection():
    codec = CharacterCodec("ab", end=True)
    sampler = ExactSampler(codec, untrained(codec), RuleSettings(automaton=EvenA()), length=30)
    assert sampler.method("") == "rejection"
    assert all(sample.text.count("a") % 2 == 0 for sample in sampler.samples(["", "a"], 20, 1))


def test_exact_sampling_gives_up_on_what_is_too_improbable(monkeypatch):
    monkeypatch.setattr("ostinato.families.text.exact._MOST_TRIES", 3)
    codec = CharacterCodec("ab", end=True)
    sampler = ExactSampler(codec, untrained(codec), RuleSettings(match="(a{20}|b{20}|[ab]{1}a{19}b{0,60})"), length=99)
    monkeypatch.setattr(sampler, "method", lambda prompt: "rejection")
    with pytest.raises(ConfigError, match="exact sampling gave up after 3 tries: by the model, a text fulfils the"):
        sampler.samples([""], 4, 1)


class Counter:
    """As many b as a: too many states to go through them all."""

    start = 0
    characters = "ab"

    def step(self, state, character):
        return state + (1 if character == "a" else -1)

    def accepts(self, state):
        return state == 0

    def fewest(self, state):
        return abs(state)


def test_an_automaton_without_bounds_works_where_it_says_how_far_acceptance_is(monkeypatch):
    monkeypatch.setattr("ostinato.decode.constraints.table._MOST_ENTRIES", 64)
    for codec in (CharacterCodec("ab", end=True), CharacterCodec("ab"), ByteCodec(end=True)):
        run = Generation(
            codec, untrained(codec), ["", "a"], samples=50, length=21, seed=1, rules=RuleSettings(automaton=Counter())
        )
        for sample in run.finish():
            assert sample.text.count("a") == sample.text.count("b")
            assert set(sample.text) <= {"a", "b"}

    class Silent(Counter):
        fewest = None

    silent = Silent()
    with pytest.raises(ConfigError, match=r"\(Silent\) has more than 21 states with this model's 3 symbols"):
        Generation(
            CharacterCodec("ab", end=True),
            untrained(CharacterCodec("ab", end=True)),
            [""],
            rules=RuleSettings(automaton=silent),
        )


def test_tables_too_large_to_go_through_are_filled_as_they_are_needed(monkeypatch):
    monkeypatch.setattr("ostinato.decode.constraints.table._MOST_ENTRIES", 600)
    codec = ByteCodec(end=True)
    pattern = r"([a-c]{3}-){3}[a-c]{3}"
    run = Generation(codec, untrained(codec), [""], samples=50, length=15, seed=1, rules=RuleSettings(match=pattern))
    assert all(re.fullmatch(pattern, sample.text) for sample in run.finish())


def test_a_constraint_after_other_rules_ends_rows_that_they_have_left_nothing():
    codec = CharacterCodec("abxq")
    pattern = r"[a-b]*[xq]{2}[a-b]*"
    for options in ({"seed": 1, "samples": 40}, {"settings": SearchSettings(beam=3, n_best=3)}):
        rules = RuleSettings(match=pattern, top_k=1, order=["top-k", "constraint"])
        samples = Generation(codec, untrained(codec), [""], length=8, rules=rules, **options).finish()
        assert samples
        assert all(sample.ending == "stuck" or re.fullmatch(pattern, sample.text) for sample in samples)


def test_states_are_counted_and_not_their_numbers(monkeypatch):
    monkeypatch.setattr("ostinato.decode.constraints.table._MOST_ENTRIES", 120 * 28)
    codec = CharacterCodec(LETTERS.replace("é", ""))
    table = SymbolTable(TableWalk(constraints.lines_of(100), codec.pieces), codec.size, None, [b""])
    assert table.is_whole
    assert len(table.next) == 101


def test_an_automaton_may_inherit_what_it_says_and_work_it_out():
    class Base(EvenA):
        characters = "ab"

    class Inheriting(Base):
        @property
        def fewest(self):
            return lambda state: state

    codec = CharacterCodec(LETTERS, end=True)
    rules = RuleSettings(automaton=Inheriting())
    samples = Generation(codec, untrained(codec), [""], samples=50, length=9, seed=1, rules=rules).finish()
    assert all(set(sample.text) <= {"a", "b"} for sample in samples)


def test_the_fewest_characters_are_several_symbols_where_they_are_spelled(monkeypatch):
    monkeypatch.setattr("ostinato.decode.constraints.table._MOST_ENTRIES", 300)

    class Pairs(Counter):
        characters = "öé"

        def step(self, state, character):
            return state + (1 if character == "ö" else -1)

    codec = ByteCodec(end=True)
    rules = RuleSettings(automaton=Pairs())
    samples = Generation(codec, untrained(codec), [""], samples=40, length=13, seed=1, rules=rules).finish()
    assert all(sample.text.count("ö") == sample.text.count("é") and sample.ending != "stuck" for sample in samples)
    with pytest.raises(ConfigError, match=r"exact sampling needs all states of the constraint \(Pairs\)"):
        ExactSampler(codec, untrained(codec), rules, length=13).samples([""], 2, 1)


def test_constraints_and_stops_are_brought_to_the_form_that_the_codec_writes():
    codec = CharacterCodec("aäo", nfc=True)
    decomposed = "a\u0308"
    run = Generation(codec, untrained(codec), [""], samples=30, length=9, seed=1, rules=RuleSettings(ban=[decomposed]))
    assert not any("ä" in sample.text for sample in run.finish())
    run = Generation(codec, untrained(codec), [""], samples=30, length=30, seed=1, stop=[decomposed])
    assert all(sample.ending == "stop" for sample in run.finish())


def test_exact_samples_are_of_the_adapted_prompt_and_depend_on_their_seeds_alone():
    codec = CharacterCodec("ab)", end=True)
    rules = RuleSettings(brackets="()")
    sampler = ExactSampler(codec, untrained(codec), rules, length=3, unknown="skip")
    assert [s.text for s in sampler.samples(["(a", "b"], 2, 5)][3:] == [s.text for s in sampler.samples(["b"], 1, 8)]


def test_characters_of_several_bytes_pass_a_users_automaton_byte_by_byte():
    class Accents(EvenA):
        characters = "aéb"

    codec = ByteCodec(end=True)
    run = Generation(
        codec, untrained(codec), [""], samples=100, length=12, seed=1, rules=RuleSettings(automaton=Accents())
    )
    texts = [sample.text for sample in run.finish()]
    assert all(set(text) <= set("aéb") and text.count("a") % 2 == 0 for text in texts)
    assert any("é" in text for text in texts)


def test_stop_strings_end_texts_of_every_search_and_codec():
    for make in CODECS.values():
        codec = make(False)
        for search in ({}, {"greedy": True}, {"beam": 3}):
            options = {"seed": 1} if not search else {}
            run = Generation(
                codec,
                untrained(codec),
                [""],
                length=60,
                settings=SearchSettings(**search),
                stop=["a", "b. "],
                **options,
            )
            for sample in run.finish():
                assert "a" not in sample.text
                assert (sample.ending == "stop") == sample.finished


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"match": "(ab"},
            "the pattern '(ab' cannot be matched: Failed to build DFA error building NFA. Syntax as of Rust's regex "
            "crate, over the whole new text; there is no look-around, no back-reference, no anchor (^, $, \\b)",
        ),
        (
            {"match": "xyz+"},
            "no text of this model's symbols fulfils the constraint: the pattern 'xyz+'. Some characters it needs may "
            "not be in the model's vocabulary ('ostinato info RUN' tells)",
        ),
        (
            {"match": "a{30}"},
            "the constraint (the pattern 'a{30}') needs at least 30 symbols, but the length is 20; use --length 30 or "
            "more",
        ),
        ({"match": "a)|(b"}, "the pattern 'a)|(b' closes a bracket that it has not opened, at 1"),
        (
            {"match": "((a{100}){100}){10}"},
            "the pattern '((a{100}){100}){10}' is too large: with its repetitions spelled out it has over 50,000 "
            "places; repeat less, or use * and +",
        ),
        ({"lexicon": ["", " "]}, "the lexicon has no words; give one word per line"),
        ({"brackets": "([)"}, "brackets must be pairs of ASCII characters such as '()[]', got '([)'"),
        ({"max_line": 0}, "the longest line must have from 1 to 1000 characters, got 0"),
        (
            {"match": "a+", "ban": ["a"]},
            "no text of this model's symbols fulfils the constraint: the pattern 'a+' and no 'a'. Some characters it "
            "needs may not be in the model's vocabulary ('ostinato info RUN' tells)",
        ),
    ],
)
def test_an_impossible_constraint_is_refused_before_anything_is_written(options, message):
    codec = CharacterCodec(LETTERS)
    with pytest.raises(ConfigError) as caught:
        Generation(codec, untrained(codec), [""], length=20, rules=RuleSettings(**options))
    assert str(caught.value) == message


def test_the_number_of_texts_is_counted():
    codec = CharacterCodec("ab", end=True)
    table = SymbolTable(TableWalk(constraints.matching("[ab]{0,3}"), codec.pieces), codec.size, codec.end, [b""])
    assert table.count(5) == 1 + 2 + 4 + 8
    assert table.count(2) == 1 + 2 + 4
    text = CharacterCodec("ab")
    table = SymbolTable(TableWalk(constraints.matching("a[ab]|b"), text.pieces), text.size, text.end, [b""])
    assert table.count(9) == 3


def test_only_symbols_that_write_something_are_walked():
    codec = SubwordCodec.learn(CORPUS, vocabulary=300, end=True)
    walk = TableWalk(constraints.matching("(?s).*"), codec.pieces)
    assert (walk.move(np.array([0]))[0, codec.end]) == DEAD


@pytest.mark.parametrize(
    "pattern",
    [r"(?x)a{ 9999999 }", r"(a|b)*a(a|b){20}", r"\w{499}", "(" * 49_000, "(" * 49_000 + ")" * 49_000, "(a{0,300}){100}",
     "(a|b)*a" + "(a|b)" * 20],
    ids=range(7),
)  # fmt: skip
def test_a_pattern_whose_automaton_is_too_large_is_refused_soon_with_what_to_write_instead(pattern):
    began = time.monotonic()
    with pytest.raises(ConfigError) as caught:
        constraints.matching(pattern)
    assert time.monotonic() - began < 30  # two seconds, on a machine that has time; without a bound it is minutes
    message = str(caught.value)
    assert len(message) < 400
    assert re.search("repeat less|leave some out", message)
    assert accepts(constraints.matching("a+b"), "aab")  # and the next pattern is built as ever


@pytest.mark.xdist_group("signals")
def test_ctrl_c_ends_the_building_of_an_automaton():
    timer = threading.Timer(0.3, signal.raise_signal, [signal.SIGINT])
    timer.start()
    with pytest.raises(KeyboardInterrupt):
        constraints.matching("(a|b)*a(a|b){22}", seconds=20.0)
    timer.join()
    assert accepts(constraints.matching("a+c"), "aac")


@pytest.mark.parametrize(
    ("pattern", "text"),
    [("[[a-z])]+", "a)b"), ("(?x)a # :)\nb", "ab"), ("(?x)a b # end", "ab"), ("a#b", "a#b"), ("[a&&a]b", "ab")],
)
def test_brackets_in_classes_and_comments_are_none(pattern, text):
    assert accepts(constraints.matching(pattern), text)
    assert not accepts(constraints.matching(pattern), text + "\n")


@pytest.mark.parametrize("pattern", ["a)|(b", "(?x)a #(\n)|(b", "a#)|(b"])
def test_a_pattern_cannot_close_what_it_has_not_opened(pattern):
    with pytest.raises(ConfigError):
        constraints.matching(pattern)


def test_what_is_built_does_not_depend_on_the_folder_one_is_in(tmp_path, monkeypatch):
    (tmp_path / "array.py").write_text("raise SystemExit(3)\n")
    (tmp_path / "outlines_core.py").write_text("raise SystemExit(3)\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("ostinato.decode.constraints.patterns._BUILDER", PatternBuilder())
    assert accepts(constraints.matching("xyz|w"), "xyz")


def test_a_process_that_ends_is_no_pattern_that_is_too_large(monkeypatch):
    monkeypatch.setattr("ostinato.decode.constraints.patterns._BUILDER", PatternBuilder())
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    with pytest.raises(EngineError, match="ended or cannot be started here"):
        constraints.matching("xyz|v")


def test_a_pattern_is_built_once():
    assert constraints.matching("ab|cd") is constraints.matching("ab|cd")
