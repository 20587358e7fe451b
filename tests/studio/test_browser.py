"""The studio in a browser: what a person does there, and that it is what Python gives."""

import json
import math
import os
import shutil

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import expect

import ostinato
from browsers import CHROMIUM

TOKEN = "a-token-of-tests"
VERSE = """FLORIZEL:
She is as forward of her breeding as
She is i' the rear our birth.

CAMILLO:
I cannot say 'tis pity
She lacks instructions, for she seems a mistress
To most that teach.
"""
expect.set_options(timeout=120_000)
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(CHROMIUM is None, reason="needs Chromium or Chrome on the PATH: apt-get install chromium"),
]


class Visit:
    """A fresh profile at the studio; it counts what is asked of elsewhere, which is blocked, and errors."""

    def __init__(self, browser, served, **options):
        self.served, self.elsewhere, self.errors = served, [], []
        self.context = browser.new_context(**options)
        self.context.set_default_timeout(120_000)  # code may have to be compiled first
        self.page = self.context.new_page()
        self.page.route(lambda address: not address.startswith((served, "data:")), self.block)
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.goto(f"{served}/?token={TOKEN}")

    def block(self, route):
        self.elsewhere.append(route.request.url)
        route.abort()

    def open(self, room, model="cats", **settings):
        from urllib.parse import urlencode

        self.page.goto(f"{self.served}/#{urlencode({'model': model, 'room': room, **settings})}")
        self.page.reload()
        self.page.wait_for_selector(f"body[data-ready='{room}']")
        return self.page

    def written(self, **settings):
        """Wait for a text that was written with some settings."""
        for name, value in settings.items():
            self.page.wait_for_function(
                "([name, value]) => { const told = document.querySelector('#room > div')?.dataset.written;"
                " return told && JSON.parse(told)[name] === value }",
                arg=[name, value],
            )

    def end(self):
        assert self.elsewhere == []
        assert [error for error in self.errors if "status of 400" not in error] == []
        self.context.close()


@pytest.fixture
def visit(browser, served):
    visits = []

    def open_one(**options):
        visits.append(Visit(browser, served, **options))
        return visits[-1]

    yield open_one
    for one in visits:
        one.end()


def set_slider(page, name, value):
    page.fill(f"input[name='{name}']", str(value))


def test_i_type_and_see_what_the_model_expects(visit, model):
    page = visit().open("write")
    for text in ("t", "th", "the ", "the c"):
        page.fill("textarea", text)
    page.wait_for_selector("[data-next='the c']")
    told = page.eval_on_selector_all(
        "#guesses .guesses [data-text]", "all => all.map(one => [one.dataset.text, Number(one.dataset.probability)])"
    )
    expected = model.inspect("the ca").symbols(5)[-1].alternatives
    assert [text for text, _ in told[:5]] == [text for text, _ in expected]
    assert [share for _, share in told[:5]] == pytest.approx([math.exp(value) for _, value in expected], abs=1e-6)
    page.wait_for_selector("[data-words='the c']")
    words = model.coming("the c", words=8).words
    shown = page.eval_on_selector_all("#guesses .word", "all => all.map(one => [one.dataset.word, one.dataset.text])")
    assert shown == [[one.word, one.text] for one in words]
    page.press("textarea", "Tab")
    assert page.input_value("textarea") == "the c" + told[0][0]
    page.wait_for_selector("[data-words='the ca']")
    rest = page.get_attribute("#guesses .word >> nth=0", "data-text")
    page.click("#guesses .word >> nth=0")
    assert page.input_value("textarea") == "the ca" + rest
    page.fill("textarea", "the ☃")
    expect(page.locator("#notice")).to_contain_text("☃")
    page.fill("textarea", "the ")
    expect(page.locator("#notice")).to_have_text("")


def test_i_move_a_slider_and_the_text_changes_under_my_hand(visit, model):
    one = visit()
    page = one.open("write", text="the ")
    set_slider(page, "length", 60)
    set_slider(page, "seed", 7)
    set_slider(page, "temperature", 0.5)
    one.written(temperature=0.5, seed=7, max_tokens=60)
    before = page.inner_text(".written")
    assert before == "the " + model.generate("the ", length=60, seed=7, temperature=0.5).text
    for step in range(40):
        set_slider(page, "temperature", round(0.1 + 0.05 * step, 2))
    one.written(temperature=2)  # the last of 0.1, 0.15, …, 2.05, which ends at 2
    assert page.inner_text(".written") == "the " + model.generate("the ", length=60, seed=7, temperature=2.0).text
    set_slider(page, "temperature", 0.5)
    one.written(temperature=0.5)
    assert page.inner_text(".written") == before
    assert "--seed 7 --temperature 0.5" in page.inner_text("#command")


def test_a_regular_expression_is_checked_as_i_type(visit, model):
    one = visit()
    page = one.open("write", text="the ", temperature="1", length="40", seed="3")
    page.fill("input[name='match']", "(cat|dog")
    expect(page.locator(".wrong")).to_be_visible()
    page.fill("input[name='match']", "(cat|dog) sat")
    one.written(match="(cat|dog) sat")
    expect(page.locator(".wrong")).to_have_count(0)
    whole = "the " + model.generate("the ", length=40, seed=3, match="(cat|dog) sat").text
    expect(page.locator("pre.written").first).to_have_text(whole)
    page.wait_for_selector(".removed")
    log_probs = dict(model.inspect("the cat").symbols(15)[4].alternatives)
    left_out = sum(math.exp(value) for text, value in log_probs.items() if text not in "cd")
    assert float(page.get_attribute(".removed", "data-removed")) == pytest.approx(left_out, abs=1e-5)
    assert page.locator(".guess.out").count() >= 8


def test_i_choose_another_word_and_go_on_in_a_branch(visit, model):
    one = visit()
    page = one.open("write", text="the ", temperature="1", length="40", seed="3")
    page.click("#write")
    one.written(seed=3)
    first = page.inner_text(".written")
    page.click(".written .word >> nth=2")
    page.wait_for_selector("#instead .word")
    start = int(page.get_attribute(".written .word >> nth=2", "data-start"))
    word = page.locator(".written .word >> nth=2").inner_text()
    before = first[: len("the ") + start] + word[: len(word) - len(word.lstrip())]  # what could stand in its place
    words = model.coming(before, words=8).words
    told = page.eval_on_selector_all("#instead .word", "all => all.map(one => one.dataset.word)")
    assert told == [one.word for one in words]
    page.click("#instead .word >> nth=1")
    text = before + words[1].text
    one.written(prompt=text)
    assert page.input_value("textarea") == text
    assert page.inner_text(".written") == text + model.generate(text, length=40, seed=3).text
    assert page.locator("#branches button").count() == 2
    set_slider(page, "temperature", 0.3)
    one.written(temperature=0.3)
    page.click("#branches button >> nth=0")
    assert page.inner_text(".written") == first
    assert page.input_value("input[name='temperature']") == "1"  # a branch has its settings too
    assert "--temperature" not in page.inner_text("#command")
    assert "temperature=1&" in page.url
    page.click("#further")
    one.written(prompt=first)
    page.click("#branches button >> nth=0")
    page.reload()  # the tree stays
    expect(page.locator("#branches button")).to_have_count(3)


def test_i_see_beams_compete_and_take_up_a_dead_one(visit, model):
    page = visit().open("write", text="the ")
    page.click("summary:has-text('beams')")
    page.fill("input[name='width']", "4")
    page.press("input[name='width']", "Tab")
    page.click("#follow")
    page.wait_for_selector("[data-followed='the ']", state="attached")
    best = model.generate_all(["the "], beam=4, n_best=4, length=60)
    nodes = dict(
        page.eval_on_selector_all(
            ".beams button", "all => all.map(one => [one.dataset.whole, Number(one.dataset.score)])"
        )
    )
    assert {one.text: one.log_prob for one in best} == {text: nodes[text] for text in (one.text for one in best)}
    assert page.locator(".beams .alive").count() >= 4
    dead = page.locator(".beams .dead").first
    whole = "the " + dead.get_attribute("data-whole")
    dead.click()
    assert page.input_value("textarea") == whole
    expect(page.locator(".beams")).to_have_count(0)  # it was of another text


def test_another_model_writes_beside_it_and_the_difference_is_that_of_scores(visit, model, runs):
    one = visit()
    page = one.open("write", text="the cat sat", temperature="1", length="40", seed="3", beside="kept")
    page.click("#write")
    other = ostinato.load(runs / "kept")
    expect(page.locator("[data-beside='kept']")).to_have_text(other.generate("the cat sat", length=40, seed=3).text)
    page.wait_for_selector("[data-gain]")
    gain = (model.score("the cat sat").log_prob - other.score("the cat sat").log_prob) / math.log(2)
    assert float(page.get_attribute("[data-gain]", "data-gain")) == pytest.approx(gain, abs=1e-4)


def test_i_see_cells_find_one_that_knows_and_drag_it(visit, model):
    one = visit()
    text = "the cat sat on the mat. the dog sat on the log.\n\n" * 3
    page = one.open("inside", text=text)
    page.wait_for_selector("[data-looked]")
    page.select_option("select[name='views']", "gatesToo")
    page.wait_for_selector("[data-taken='guesses cells']")
    page.click(".tabs a:has-text('Cells')")
    page.hover("[data-view='cells'] .text span >> nth=3")
    assert "forget gate" in page.inner_text(".parts")
    page.click("summary:has-text('find cells')")
    page.check("input[value='word-position']")
    page.click("#find")
    page.wait_for_selector("[data-taken='find']")
    best = model.inspect(text).find("word-position").plain()[0]
    row = page.inner_text("[data-view='find'] tbody tr >> nth=0")
    assert f"{best['part']}:{best['layer']}:{best['unit']}".removeprefix("hidden:") in row
    page.click("summary:has-text('hold a unit')")
    page.fill("input[name='hold']", "0:3")
    page.press("input[name='hold']", "Enter")
    set_slider(page, "value", 1)
    held = model.clamped(layer=0, unit=3, value=1.0).generate(text, length=300, seed=1, temperature=0.8).text
    expect(page.locator("#holder .written")).to_have_text(held)
    page.click("button[name='reset']")
    expect(page.locator("#holder .written")).to_have_text(
        model.generate(text, length=300, seed=1, temperature=0.8).text
    )


def test_i_scrub_through_training(visit, runs):
    page = visit().open("inside", model="kept", text="the cat sat on the mat.")
    page.click("summary:has-text('through training')")
    page.click("#series")
    page.wait_for_selector("[data-view='series']")
    steps = ostinato.load(runs / "kept").inspect("the cat sat on the mat.").series().plain()
    for number in (0, len(steps) - 1):
        page.fill("input[aria-label='step']", str(number))
        assert page.inner_text("#step") == f"{steps[number]['step']:,}"
        assert steps[number]["written"].strip()[:20] in page.inner_text("[data-view='series']")


def test_i_score_a_text_under_two_models(visit, model, runs):
    one = visit()
    page = one.open("score", text="the cat sat on the dog.", other="kept")
    page.wait_for_selector("[data-scored]")
    assert float(page.get_attribute("[data-scored]", "data-log-prob")) == pytest.approx(
        model.score("the cat sat on the dog.").log_prob, rel=1e-6
    )
    page.click(".tabs a:has-text('cats and kept')")
    page.wait_for_selector("[data-view='compare']")
    other = ostinato.load(runs / "kept")
    scores = [one.score("the cat sat on the dog.").log_prob for one in (model, other)]
    gain = (scores[0] - scores[1]) / math.log(2)
    assert f"{abs(gain):.2f} bits" in page.inner_text("[data-view='compare']")
    fresh = visit()
    fresh.page.goto(page.url)  # the link restores both
    fresh.page.reload()
    fresh.page.wait_for_selector("[data-scored]")
    assert fresh.page.input_value("select[name='other']") == "kept"


def test_a_link_shows_somebody_else_the_same_or_says_why_not(visit, model):
    one = visit()
    page = one.open("write", text="the ", length="40", seed="9")
    page.click("#write")
    one.written(seed=9)
    link, text = page.url, page.inner_text(".written")
    assert "digest=" in link
    fresh = visit()
    fresh.page.goto(link)
    fresh.page.reload()
    fresh.written(seed=9)
    assert fresh.page.inner_text(".written") == text
    for changed, told in (
        (link.replace("digest=", "digest=0"), "other weights"),
        (link.replace("model=cats", "model=gone"), "no model"),
        (link.replace("seed=9", "seed=9&wind=3"), "wind"),
        (link.replace("room=write", "room=sky"), "no room"),
    ):
        fresh.page.goto(changed)
        fresh.page.reload()
        expect(fresh.page.locator("#linked")).to_contain_text(told)


def test_commands_and_python_that_are_copied_give_what_is_shown(visit, runs, run, monkeypatch, capsys):
    import shlex

    one = visit()
    start = "the cat.\n\nthe "
    page = one.open("write", text=start, length="40", seed="9", top_k="4", hold="0:3", value="1")
    page.click("#write")
    one.written(seed=9)
    text = page.inner_text(".written")
    monkeypatch.chdir(runs)
    words = shlex.split(page.inner_text("#command"))
    status, out, _ = run(*words[1:], "--json")
    assert (status, start + json.loads(out)["text"]) == (0, text)
    exec(page.get_attribute("#python", "data-python"), {})
    assert start + capsys.readouterr().out.removesuffix("\n") == text


@pytest.mark.parametrize("room", ["write", "inside", "score"])
def test_rooms_can_be_used_by_everybody(visit, room):
    """No serious fault by axe, in light and dark, wide and on a phone; nothing is wider than the screen."""
    for scheme in ("light", "dark"):
        for width in (1250, 390):
            options = {"color_scheme": scheme, "viewport": {"width": width, "height": 900}, "bypass_csp": True}
            page = visit(**options).open(room, text="the cat sat on the mat.")
            if room == "write":
                page.click("#write")
                page.wait_for_selector("[data-written]")
                page.click(".written .word >> nth=1")
                page.wait_for_selector("#instead .word")
            else:
                page.wait_for_selector("[data-view]")
            found = Axe().run(page).response
            assert len(found["passes"]) > 10  # it has looked
            assert [one["id"] for one in found["violations"] if one["impact"] in ("serious", "critical")] == []
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_everything_in_writing_can_be_reached_by_keys(visit):
    page = visit().open("write", text="the cat")
    page.click("#write")
    page.wait_for_selector("[data-written]")
    reached = set()
    page.focus("#model")
    for _ in range(60):
        if page.evaluate("document.activeElement.tagName") == "TEXTAREA":
            page.keyboard.press("Escape")  # Tab alone takes a guess there
        page.keyboard.press("Tab")
        named = "const { name, id, className } = document.activeElement; return name || id || className"
        reached.add(page.evaluate(f"(() => {{ {named} }})()"))
    assert {"write", "temperature", "seed", "match", "hold"} <= reached
    assert any("word" in one for one in reached)


def test_names_and_texts_are_no_markup(visit, runs, text_run_once):
    wicked = "<img src=x onerror=alert(1)>"
    shutil.copytree(text_run_once, runs / wicked)
    try:
        one = visit()
        page = one.open("write", model=wicked, text=f"{wicked}<script>alert(2)</script>", match=wicked)
        page.wait_for_selector("#room textarea")
        for room in ("inside", "score"):
            page = one.open(room, model=wicked, text=wicked)
        assert page.locator("img").count() == 0
        assert page.locator("#room script").count() == 0
        assert wicked in page.inner_text("#model")
    finally:
        shutil.rmtree(runs / wicked)


def test_the_tutorial_can_be_walked_with_the_shipped_model(visit):
    """Every step of docs/tutorial/studio.md; OSTINATO_PICTURES=FOLDER takes its pictures."""
    one = visit(viewport={"width": 1180, "height": 1000})
    page = one.open("write", model="shakespeare")
    page.click("textarea")
    page.keyboard.type("ROMEO:\n")
    page.wait_for_function("() => document.querySelector('#room > div').dataset.words === 'ROMEO:\\n'")
    assert page.locator("#guesses .word").count() == 8
    set_slider(page, "seed", 3)
    one.written(seed=3, prompt="ROMEO:\n")
    assert page.inner_text(".written").startswith("ROMEO:\n")
    page.evaluate("() => scrollTo(0, 0)")
    picture(page, "studio-write")
    page.click("summary:has-text('beams')")
    page.click("#follow")
    page.wait_for_selector("[data-followed]", state="attached")
    assert page.locator(".beams .dead").count() > 3
    picture(page.locator("details:has(.beams)"), "studio-beams")
    page = one.open("inside", model="shakespeare", text=VERSE)
    page.wait_for_selector("[data-looked]")
    page.click("summary:has-text('find cells')")
    page.check("input[value='line-position']")
    page.click("#find")
    page.wait_for_selector("[data-taken='find']")
    page.click(".tabs a:has-text('Cells') >> nth=-1")
    page.wait_for_selector("[data-view='cells']")
    picture(page, "studio-inside")
    page = one.open("score", model="shakespeare", text="To be, or not to be, that is the question.")
    page.wait_for_selector("[data-scored]")
    assert "bits per symbol" in page.inner_text("#sum")


def picture(shown, name):
    folder = os.environ.get("OSTINATO_PICTURES")
    if folder:
        shown.screenshot(path=f"{folder}/{name}.png")
