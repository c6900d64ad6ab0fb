"""Pages as PDF, by a browser without a window."""

from __future__ import annotations

import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from deployworkbook.workspace.users import is_root

BROWSERS = (
    *("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"),
    *("msedge", "microsoft-edge"),
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# A busy machine takes several seconds for a page.
LIMIT_S = 120.0

PAGE = re.compile(rb"/Type\s*/Page(?![A-Za-z])")


def find_browser() -> str | None:
    """Return the program of a browser that can print, or ``None``."""
    return next(filter(None, map(shutil.which, BROWSERS)), None)


def has_chinese_font() -> bool:
    """Return whether a font with Chinese glyphs is installed.

    Fontconfig answers, which Chromium asks on Linux. Systems without it bring such fonts along.
    """
    program = shutil.which("fc-list")
    if program is None:
        return True
    command = [program, ":lang=zh", "family"]
    done = subprocess.run(command, capture_output=True, timeout=LIMIT_S, check=False)
    return done.returncode != 0 or bool(done.stdout.strip())


def print_pdf(page: Path, *, browser: str) -> bytes:
    """Print an HTML page, and return the PDF.

    Args:
        page: The page; its style says which paper.
        browser: The browser's program, as ``find_browser`` finds it.

    Raises:
        RuntimeError: The browser wrote nothing, or took too long.
    """
    with tempfile.TemporaryDirectory(prefix="deployworkbook-print-") as profile:
        made = Path(profile) / "page.pdf"
        command = [
            browser,
            *("--headless", "--disable-gpu", "--no-first-run", "--no-pdf-header-footer"),
            *(f"--user-data-dir={profile}", f"--print-to-pdf={made}"),
            # The superuser, as in most containers, has no sandbox.
            *(["--no-sandbox"] if is_root() else []),
            page.resolve().as_uri(),
        ]
        try:
            done = subprocess.run(command, capture_output=True, timeout=LIMIT_S, check=False)
        except subprocess.TimeoutExpired as error:
            raise RuntimeError(
                f"{browser} took more than {LIMIT_S:g} s to print {page}."
            ) from error
        if not made.exists():
            said = done.stderr.decode(errors="replace").strip()[-500:]
            raise RuntimeError(f"{browser} couldn't print {page}: {said}")
        return made.read_bytes()


def pages_of(pdf: bytes) -> int:
    """Return how many pages a PDF of ``print_pdf`` has.

    >>> pages_of(b"/Type /Pages /Type /Page ")
    1
    """
    return len(PAGE.findall(pdf))
