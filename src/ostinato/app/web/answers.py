"""Answers of the API: what is asked of a model, and how it is told. A new family needs nothing here."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from ostinato.app.web import requests
from ostinato.app.web.completions import beams, completion, shaping, streamed, with_held
from ostinato.app.web.shelf import Held, Shelf
from ostinato.app.web.work import Errand
from ostinato.errors import ConfigError, OstinatoError
from ostinato.families.base import Sources
from ostinato.families.options import check_options
from ostinato.inspect.page import page_data

_SLOW_VIEWS = {"find", "atlas", "series", "saliency", "gates"}


@dataclass(frozen=True)
class Asked:
    """A request, and what is needed to answer it.

    Attributes:
        shelf: All models.
        held: The model.
        body: The request, of the type of its path.
        errand: Tells whether the client is still there.
    """

    shelf: Shelf
    held: Held
    body: Any
    errand: Errand


@dataclass(frozen=True)
class Post:
    """A path to which something can be posted.

    Attributes:
        body: Type of the request.
        verb: The verb that the model has to have.
        answer: Answers it; it takes the locks that it needs.
        stream: Answers with a stream of events where the request asks for one; ``None``: none can be had.
        is_slow: Tells whether the answer may take long.
        summary: Its purpose, in a line.
    """

    body: type[BaseModel]
    verb: str
    answer: Callable[[Asked], Any]
    stream: Callable[[Asked], Any] | None = None
    is_slow: Callable[[Any], bool] = lambda body: False

    @property
    def summary(self) -> str:
        return (self.body.__doc__ or "").strip().splitlines()[0]


def _completion(asked: Asked) -> Any:
    return completion(asked.held, asked.body, asked.errand)


def _streamed(asked: Asked) -> Any:
    return streamed(asked.held, asked.body, asked.errand)


def _beams(asked: Asked) -> Any:
    return beams(asked.held, asked.body, asked.errand)


def _whole_beams(asked: Asked) -> Any:
    events = list(_beams(asked))
    return {"steps": [step for event in events[:-1] for step in event["steps"]], **events[-1]}


def _score(asked: Asked) -> Any:
    with asked.held.lock:
        return asked.held.model.score(asked.body.text).plain(asked.body.per)


def _next(asked: Asked) -> Any:
    from ostinato.decode.pipeline import RuleSettings

    body: requests.Next = asked.body
    with asked.held.lock:
        rules = RuleSettings(**shaping(body))
        told = (
            with_held(asked.held, body.hold).coming(body.text, count=body.count, words=body.words, rules=rules).plain()
        )
    return {**told, "model_digest": asked.held.digest}


def _inspect(asked: Asked) -> Any:
    body, other = _without_paths(asked)
    held = asked.held.aside if _takes_long(body) else asked.held
    options = {**body.options, "progress": lambda what, done, total: asked.errand.wrote(0)}
    with ExitStack() as locks:
        wanted = {held.lock, *([other.lock] if other else [])}
        for lock in sorted(wanted, key=id):  # always in this order, so that no two requests wait for each other
            locks.enter_context(lock)
        inspection = held.model.inspect_on(body.text, {**body.options, **body.views})
        names = list(body.views) or list(inspection.on_page)
        if doubled := body.options.keys() & inspection.looks().keys():
            raise ConfigError(f"{min(doubled)} is a view, and none of options; put it among views")
        views = [inspection.look(name, body.views.get(name), options) for name in names]
        views += inspection.beside(views)
        return {
            "views": {view.name: view.plain() for view in views}, "page": page_data(views, inspection.title),
            "notes": list(inspection.notes),
        }  # fmt: skip


def _without_paths(asked: Asked) -> tuple[requests.Inspecting, Held | None]:
    """Return a request that names no file of this machine, and the other model that it names, as the shelf names it.

    Raises:
        ConfigError: It names a file to read or to run, or a model of another family.
    """
    body: requests.Inspecting = asked.body
    if body.text is not None and asked.held.model.recipe.family.takes_files:
        raise ConfigError("this model reads files, which a request cannot name; leave text out")
    views = dict(body.views)
    options = asked.held.model.recipe.family.options["inspect"]
    if unknown := body.options.keys() - {one.name for group in options for one in group.options} - {"unknown"}:
        raise ConfigError(f"there is no option {min(unknown)!r} of looking inside this model")
    check_options(options, {name: value for name, value in {**body.options, **views}.items() if name != "compare"})
    if any(".py" in str(views.get(name)) for name in ("find", "atlas", "series")):
        raise ConfigError("a request names labels that we have, and no file of labellers")
    other = None
    if "compare" in views:
        other = asked.shelf.get(str(views["compare"]))
        if type(other.model) is not type(asked.held.model):
            raise ConfigError(f"{views['compare']} is of another family, and cannot be compared with this model")
        views["compare"] = other.model
    return body.model_copy(update={"views": views}), other


def _takes_long(body: requests.Inspecting) -> bool:
    return bool(_SLOW_VIEWS & body.views.keys())


def _evaluate(asked: Asked) -> Any:
    model = asked.held.aside.model
    if model.recipe.family.takes_files:
        raise ConfigError("this model is measured on files of music, which a request cannot hold; use the command")
    with tempfile.TemporaryDirectory() as folder, asked.held.aside.lock:
        file = Path(folder) / "pasted.txt"
        file.write_text(asked.body.text, encoding="utf-8")
        try:
            corpus = model.read(Sources([str(file)], part="test"))
            return model.evaluate_on(corpus, {}, lambda what, done, total: asked.errand.wrote(0)).plain()
        except OstinatoError as error:  # which names the file, and where temporary files are is nobody's business
            raise ConfigError(str(error).replace(str(file), "the text")) from error


def _compose(asked: Asked) -> Any:
    body: requests.Composing = asked.body
    own = {"tunes": body.tunes, "seed": body.seed, "temperature": body.temperature}
    if doubled := own.keys() & body.options.keys():
        raise ConfigError(f"{min(doubled)} is a field of its own, and none of options")
    with asked.held.aside.lock:
        model = asked.held.aside.model
        return [one.plain() for one in model.recipe.family.compose(model, {**body.options, **own})]


def _translate(asked: Asked) -> Any:
    from ostinato.decode.searching import SearchSettings

    search = None if asked.body.beam is None else SearchSettings(beam=asked.body.beam)
    with asked.held.lock:
        return [best[0].plain() for best in asked.held.model.translate(asked.body.texts, search)]


def _label(asked: Asked) -> Any:
    with asked.held.lock:
        return [one.plain() for one in asked.held.model.label(asked.body.texts, beam=asked.body.beam)]


def _tokenize(asked: Asked) -> Any:
    tokens = asked.held.model.codec.encode(asked.body.prompt).tolist()
    return {"tokens": tokens, "count": len(tokens)}


def _detokenize(asked: Asked) -> Any:
    codec = asked.held.model.codec
    if not all(0 <= one < codec.size for one in asked.body.tokens):
        raise ConfigError(f"tokens are from 0 to {codec.size - 1}")
    return {"prompt": codec.decode(asked.body.tokens)}


_TOKENIZE = Post(requests.Tokenizing, "generate", _tokenize)
_DETOKENIZE = Post(requests.Detokenizing, "generate", _detokenize)

#: What can be posted where. Those without a version are where other servers have them.
POSTS: dict[str, Post] = {
    "/v1/completions": Post(requests.Completion, "generate", _completion, _streamed),
    "/v1/next": Post(requests.Next, "generate", _next),
    "/v1/beams": Post(requests.Beams, "generate", _whole_beams, _beams),
    "/v1/score": Post(requests.Scoring, "score", _score),
    "/v1/inspect": Post(requests.Inspecting, "inspect", _inspect, is_slow=_takes_long),
    "/v1/evaluate": Post(requests.Evaluating, "evaluate", _evaluate, is_slow=lambda body: True),
    "/v1/compose": Post(requests.Composing, "compose", _compose, is_slow=lambda body: True),
    "/v1/translate": Post(requests.Texts, "translate", _translate),
    "/v1/label": Post(requests.Texts, "label", _label),
    "/v1/tokenize": _TOKENIZE,
    "/tokenize": _TOKENIZE,
    "/v1/detokenize": _DETOKENIZE,
    "/detokenize": _DETOKENIZE,
}
