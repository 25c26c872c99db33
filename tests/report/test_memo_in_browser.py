"""The memo's page as Chromium lays it out: on a screen, on a telephone, and printed."""

import html
import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.chromium


def chromium(folder: Path, *arguments: str) -> str:
    """Output of one run of headless Chromium, which needs no network."""
    options = ("--headless", "--no-sandbox", "--hide-scrollbars", f"--user-data-dir={folder / 'profile'}")
    done = subprocess.run(["chromium", *options, *arguments], capture_output=True, text=True, check=True, timeout=120)
    return done.stdout


@pytest.fixture(scope="module")
def memo(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("memo")
    subprocess.run([sys.executable, "-m", "notecalc", "memo", "ibasis-2004", "-o", folder], check=True)
    return folder / "memo.html"


@pytest.mark.parametrize("width", [400, 1280])
def test_page_is_no_wider_than_the_window(memo, width, tmp_path):
    # A frame, because Chromium makes no window narrower than 500 pixels.
    page = html.escape(memo.read_text(encoding="utf-8"))
    measure = "onload = () => { document.title = frames[0].document.documentElement.scrollWidth }"
    framed = tmp_path / "framed.html"
    framed.write_text(
        f'<!doctype html><title></title><script>{measure}</script><iframe style="border: 0" width="{width}" '
        f'height="900" srcdoc="{page}"></iframe>',
        encoding="utf-8",
    )
    dom = chromium(tmp_path, "--window-size=1400,1000", "--dump-dom", framed.as_uri())
    assert re.findall(r"<title>(.*?)</title>", dom)[0] == str(width)


def test_page_asks_the_network_for_nothing(memo, tmp_path):
    script = "<script>onload = () => { document.title = performance.getEntriesByType('resource').length }</script>"
    asking = tmp_path / "asking.html"
    asking.write_text(memo.read_text(encoding="utf-8") + script, encoding="utf-8")
    dom = chromium(tmp_path, "--dump-dom", asking.as_uri())
    assert re.findall(r"<title>(.*?)</title>", dom)[0] == "0"


def test_page_prints(memo, tmp_path):
    printed = tmp_path / "memo.pdf"
    chromium(tmp_path, "--no-pdf-header-footer", f"--print-to-pdf={printed}", memo.as_uri())
    assert printed.read_bytes().startswith(b"%PDF-")
    assert len(re.findall(rb"/Type\s*/Page\b", printed.read_bytes())) > 1
