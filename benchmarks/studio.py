"""The studio in a browser: keys, sliders, a cold start, streaming, the weight of the page, and wild requests.

python benchmarks/studio.py [--run RUN] [--requests 20000]

Without a run, an LSTM 2×512 is trained for a few steps: how good it is changes no time. Needs Chromium and the extra
test; nothing else should run beside it.
"""

from __future__ import annotations

import argparse
import gzip
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from common import data_file, report

TOKEN = "a-token-of-a-benchmark"
KEYS, STEPS, LENGTH, STREAMED = 100, 40, 400, 20_000
TEXT = "But soft, what light through yonder window breaks? It is the east, and Juliet is the sun. "

#: Milliseconds from a key to the frame after the one in which its guesses were painted.
TYPED = """async (text) => {
  const area = document.querySelector("textarea"), room = document.querySelector("#room > div"), times = [];
  for (const character of text) {
    area.value += character;
    const wanted = area.value, began = performance.now();
    const painted = new Promise((done) => {
      const watch = new MutationObserver(() => {
        if (room.dataset.next !== wanted) return;
        watch.disconnect();
        requestAnimationFrame(() => setTimeout(() => done(performance.now() - began)));
      });
      watch.observe(room, { attributes: true, attributeFilter: ["data-next"] });
    });
    area.dispatchEvent(new Event("input"));
    times.push(await painted);
    await new Promise((done) => setTimeout(done, 30));
  }
  return times;
}"""

#: Whole texts that were shown while a slider moved, and how long it moved.
MOVED = """async (steps) => {
  const slider = document.querySelector("input[name='temperature']"), room = document.querySelector("#room > div");
  let renders = 0;
  const watch = new MutationObserver(() => (renders += 1));
  watch.observe(room, { attributes: true, attributeFilter: ["data-written"] });
  const began = performance.now();
  for (let step = 1; step <= steps; step += 1) {
    slider.value = String(0.5 + step / 50);
    slider.dispatchEvent(new Event("input"));
    await new Promise((done) => setTimeout(done, Math.max(0, began + step * 50 - performance.now())));
  }
  const during = renders, took = performance.now() - began;
  const last = () => JSON.parse(room.dataset.written ?? "{}").temperature === Number(slider.value);
  while (!last()) await new Promise((done) => setTimeout(done, 5));
  return { during, took, ends: performance.now() - began, text: document.querySelector(".written").textContent };
}"""


@contextmanager
def serving(run: Path) -> Iterator[tuple[str, float]]:
    """Start the command; yield the page's address, and when the process began."""
    began = time.perf_counter()
    words = ["serve", run, "--no-browser", "--token", TOKEN]
    process = subprocess.Popen([sys.executable, "-m", "ostinato", *map(str, words)], stderr=subprocess.PIPE, text=True)
    assert process.stderr is not None
    try:
        yield process.stderr.readline().split(" at ")[1].strip(), began
    finally:
        process.terminate()
        process.wait()


def trained(folder: Path) -> Path:
    """Train a large model for a few steps."""
    words = ["train", data_file("text/tinyshakespeare.txt"), "--steps", 20, "--no-report", "--out", folder / "large"]
    words += ["--set", "layers=2", "--set", "hidden_size=512", "--set", "core=lstm"]
    subprocess.run([sys.executable, "-m", "ostinato", *map(str, words)], check=True, stdout=subprocess.DEVNULL)
    return folder / "large"


def in_browser(browser: Any, run: Path) -> dict[str, Any]:
    """Measure a cold start, keys and a slider."""
    cold = []
    for _ in range(5):
        with serving(run) as (address, began):
            page = browser.new_page()
            page.goto(address)
            page.wait_for_selector("#guesses [data-text]")
            cold.append(time.perf_counter() - began)
            page.close()
    with serving(run) as (address, _):
        page = browser.new_page()
        page.goto(address)
        page.click("#write")
        page.wait_for_selector("[data-written]")  # code is compiled, if need be
        page.evaluate(TYPED, TEXT[:20])
        keys = page.evaluate(TYPED, (TEXT * 2)[:KEYS])
        page.fill("input[name='length']", str(LENGTH))
        page.click("#write")
        page.wait_for_selector("[data-written]")
        moved = page.evaluate(MOVED, STEPS)
        temperature = float(page.input_value("input[name='temperature']"))
        prompt = page.input_value("textarea")
        page.close()
    import ostinato

    text = ostinato.load(run).generate(prompt, length=LENGTH, seed=1, temperature=temperature).text
    return {
        "cold_seconds": statistics.median(cold),
        "key_ms_median": statistics.median(keys),
        "key_ms_90th": sorted(keys)[int(0.9 * len(keys))],
        "slider_renders_in_2_s": moved["during"],
        "slider_ends_ms_after": moved["ends"] - moved["took"],
        "slider_last_is_python's": moved["text"] == prompt + text,
    }


def streaming(run: Path) -> dict[str, float]:
    """Symbols in a second to one client through HTTP, beside those of the command's engine; in pairs."""
    import ostinato

    model = ostinato.load(run)
    own, through = [], []
    with serving(run) as (address, _):
        base = address.partition("/?")[0]
        for number in range(6):
            began = time.perf_counter()
            model.generate("The ", length=STREAMED, seed=number)
            own.append(STREAMED / (time.perf_counter() - began))
            body = {"model": run.name, "prompt": "The ", "max_tokens": STREAMED, "seed": number, "stream": True}
            asked = urllib.request.Request(
                f"{base}/v1/completions",
                json.dumps(body).encode(),
                {"content-type": "application/json", "authorization": f"Bearer {TOKEN}"},
            )
            began = time.perf_counter()
            with urllib.request.urlopen(asked) as answer:
                answer.read()
            through.append(STREAMED / (time.perf_counter() - began))
    ratios = [one / other for one, other in zip(through[1:], own[1:], strict=True)]
    return {
        "command_symbols_per_second": statistics.median(own[1:]),
        "http_symbols_per_second": statistics.median(through[1:]),
        "streaming_ratio": statistics.median(ratios),
    }


def page_weight() -> int:
    """Bytes of all that the page may load, compressed."""
    from ostinato.app.web.server import _static_files

    whole = [file.read_bytes() for file in _static_files().values()]
    return sum(len(gzip.compress(data)) for data in whole)


def wild(requests: int) -> dict[str, Any]:
    """Requests made of the OpenAPI document; none may be answered by a 500."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/studio/test_fuzz.py", "-k", "form"],
        env={**os.environ, "OSTINATO_FUZZ_REQUESTS": str(requests)},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
    )
    return {"wild_requests": requests, "without_a_500": done.returncode == 0}


def main() -> None:
    from playwright.sync_api import sync_playwright

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--run", type=Path)
    parser.add_argument("--requests", type=int, default=20_000)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as play:
        run = args.run or trained(Path(folder))
        chromium = shutil.which("chromium") or shutil.which("google-chrome")
        browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox"]).new_context()
        browser.set_default_timeout(120_000)
        row = {**in_browser(browser, run), **streaming(run), "page_bytes_gzip": page_weight()}
        browser.close()
    report("studio", [{**row, **(wild(args.requests) if args.requests else {})}])


if __name__ == "__main__":
    main()
