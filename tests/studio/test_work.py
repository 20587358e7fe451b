"""Work of the studio: bounded, taking turns, and ending when nobody waits for it."""

import asyncio
import threading

import pytest
from starlette.testclient import TestClient

from ostinato.app.web.server import application
from ostinato.app.web.shelf import Shelf
from ostinato.app.web.work import BusyError, Desk, LeftError

TOKEN = "a-token-of-tests"
BEARER = {"authorization": f"Bearer {TOKEN}"}


def test_a_full_queue_is_said_and_empties_again():
    async def tried():
        desk, go = Desk(workers=1), threading.Event()
        waiting = [asyncio.ensure_future(desk.do(lambda errand: go.wait(30))) for _ in range(32)]
        await asyncio.sleep(0.05)
        with pytest.raises(BusyError, match="32 requests are waiting already"):
            await desk.do(lambda errand: None)
        go.set()
        assert all(await asyncio.gather(*waiting))
        assert await desk.do(lambda errand: 7) == 7
        assert (desk.waiting, desk.requests) == (0, 33)
        desk.close()

    asyncio.run(tried())


def test_the_server_tells_a_full_queue(runs, monkeypatch):
    monkeypatch.setattr("ostinato.app.web.work._WAITING", 0)
    with TestClient(application(Shelf(folder=runs), TOKEN), base_url="http://127.0.0.1", headers=BEARER) as client:
        answer = client.post("/v1/score", json={"model": "cats", "text": "the"})
        assert (answer.status_code, "try again" in answer.json()["error"]["message"]) == (503, True)


def test_work_whose_client_has_left_stops():
    async def tried():
        desk, stopped = Desk(workers=1), threading.Event()

        def work(errand):
            try:
                while True:
                    errand.wrote(1)
                    errand.left.wait(0.01)
            except LeftError:
                stopped.set()
                raise

        async def is_gone():
            return True

        with pytest.raises(LeftError):
            await desk.do(work, is_gone=is_gone)
        assert stopped.is_set()
        assert desk.symbols > 0
        assert await desk.do(lambda errand: "free") == "free"
        desk.close()

    asyncio.run(tried())


def test_work_that_had_not_begun_is_dropped_when_its_client_leaves():
    async def tried():
        desk, go, done = Desk(workers=1), threading.Event(), []

        async def is_gone():
            return True

        first = asyncio.ensure_future(desk.do(lambda errand: go.wait(30)))
        await asyncio.sleep(0.05)  # it has begun
        with pytest.raises(LeftError):
            await desk.do(lambda errand: done.append(1), is_gone=is_gone)
        go.set()
        await first
        assert done == []
        desk.close()

    asyncio.run(tried())


def test_a_slow_reader_holds_no_worker_and_streams_take_turns():
    async def tried():
        desk, made = Desk(workers=1), []

        def make(name):
            def items(errand):
                for number in range(5):
                    made.append((name, number))
                    yield number

            return items

        slow, other = desk.stream(make("slow")), desk.stream(make("other"))
        assert await anext(slow) == 0
        assert [item async for item in other] == list(range(5))
        assert await desk.do(lambda errand: "free") == "free"
        assert ("slow", 1) not in made  # nothing is made before it is asked for
        await slow.aclose()
        assert desk.waiting == 0
        desk.close()

    asyncio.run(tried())


def test_what_takes_long_does_not_keep_typing_waiting():
    async def tried():
        desk, go = Desk(workers=1), threading.Event()
        slow = asyncio.ensure_future(desk.do(lambda errand: go.wait(30), slow=True))
        assert await desk.do(lambda errand: "typed") == "typed"
        go.set()
        assert await slow
        desk.close()

    asyncio.run(tried())
