"""Models of pairs learn: copying and reversing to the last symbol; and scheduled sampling learns what it should not."""

import math
import random

import numpy as np
import pytest
import torch

from ostinato.batch import SymbolBatch
from ostinato.cores.attention import Attending
from ostinato.data.pair_streams import Pairs, PairStream
from ostinato.data.pairs import corpus_of_pairs
from ostinato.decode.searching import SearchSettings
from ostinato.families.pairs.settings import PairSettings, build_pair_model, build_pair_task, learn_pair_codec
from ostinato.families.pairs.translator import best_targets
from ostinato.families.sources import encode_pairs
from ostinato.families.text.network import Dropout, LanguageModel, LanguageModelTask
from ostinato.models import Feedback, Randomness
from ostinato.models.task import Context


def learned(pairs, settings, steps):
    torch.manual_seed(1)
    codec = learn_pair_codec(settings, *map(list, zip(*pairs, strict=True)))
    model = build_pair_model(settings, codec)
    task = build_pair_task(settings, model)
    rows = Pairs(encode_pairs(codec, corpus_of_pairs(pairs), "error"), codec.begin)
    stream = PairStream(rows, batch_size=32, seed=1)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 1e-2 * min(1.0, 2 * (1 - step / steps))
        optimizer.zero_grad()
        loss, _ = task.loss(stream.next(), (), Context(Randomness(1, step), training=True))
        (loss.total / loss.count).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return codec, model.eval()


@torch.no_grad()
def attention(codec, model, source, target):
    ids = torch.from_numpy(codec.encode_source(source).astype(np.int64))[None]
    state, rows = model.begin(model.encode(ids, torch.tensor([ids.shape[1]]))), []
    for symbol in [model.symbols, *codec.target.encode(target).tolist()]:
        _, state = model.step(torch.tensor([symbol]), state)
        assert isinstance(state, Attending)
        rows.append(state.weights[0].numpy())
    return np.stack(rows)


@pytest.mark.parametrize("turned", [False, True])
def test_copying_and_reversing_are_learned_to_the_last_symbol_by_looking_at_one_place_each(turned):
    draw = random.Random(1)
    words = sorted({"".join(draw.sample("abcdefgh", draw.randint(2, 5))) for _ in range(4000)})
    draw.shuffle(words)
    pairs = [(word, word[::-1] if turned else word) for word in words]
    settings = PairSettings(decoder="multiplicative", hidden_size=48, embedding_size=16, precision="float32")
    codec, model = learned(pairs[200:], settings, steps=400)
    new = pairs[:200]
    found = best_targets(model, codec, [codec.encode_source(s).tolist() for s, _ in new], SearchSettings(greedy=True))
    assert [codec.decode(best[0].symbols) for best in found] == [target for _, target in new]
    assert len(new) == 200
    longest = max(new, key=lambda pair: len(pair[0]))
    weights = attention(codec, model, *longest)[:-1]  # the end may look anywhere
    places = range(len(longest[0]))
    np.testing.assert_allclose(weights, np.eye(len(places))[list(reversed(places) if turned else places)], atol=0.1)


@pytest.mark.parametrize(("own", "published"), [(0, 0.0), (0.25, 0.0367), (0.5, 0.1163), (0.75, 0.2263), (1, 0.3681)])
def test_scheduled_sampling_is_no_proper_scoring_rule(own, published):
    """Of two symbols, x1 fair and P(x2 = x1) = 0.9, the optimum has q(x2|x1) = (1 - s) P(x2|x1) + s P(x2)."""
    torch.manual_seed(0)
    model = LanguageModel(2, core="elman", layers=1, hidden_size=8, embedding_size=4)
    feedback = Feedback("always") if own == 1 else Feedback("linear", k=1.0 - own)
    task = LanguageModelTask(model, Dropout(), feedback=feedback)
    counts = {(0, 0): 450, (0, 1): 50, (1, 0): 50, (1, 1): 450}  # exactly the distribution, so no noise is in the data
    targets = np.array([pair for pair, count in counts.items() for _ in range(count)], dtype=np.int64)
    inputs = np.concatenate([np.full((len(targets), 1), 2), targets[:, :1]], axis=1)
    batch = SymbolBatch(inputs, targets, None, np.ones(len(targets), dtype=bool))
    optimizer, steps = torch.optim.Adam(model.parameters(), lr=0.02), 400
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = 0.02 * (1 - step / steps)
        optimizer.zero_grad()
        loss, _ = task.loss(batch, model.initial_state(len(targets)), Context(Randomness(1, step), training=True))
        (loss.total / loss.count).backward()
        optimizer.step()
    with torch.no_grad():
        log_q = model.log_probs(torch.tensor([[2, 0], [2, 1]]))[0].double()
    kl = sum(
        count / 1000 * (math.log(count / 1000) - float(log_q[a, 0, a]) - float(log_q[a, 1, b]))
        for (a, b), count in counts.items()
    )
    assert kl == pytest.approx(published, abs=0.01)
    for a in (0, 1):
        assert float(log_q[a, 1, a].exp()) == pytest.approx(0.9 * (1 - own) + 0.5 * own, abs=0.03)
        assert float(log_q[a, 0, a].exp()) == pytest.approx(0.5, abs=0.02)
