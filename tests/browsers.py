"""The browser that pages are tried in."""

import shutil

#: Chromium or Chrome; ``None``: there is none, and tests that need one are skipped.
CHROMIUM = next(
    (path for name in ("chromium", "chromium-browser", "google-chrome") if (path := shutil.which(name))), None
)
