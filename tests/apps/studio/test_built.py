"""The built studio: small, strict, from nowhere else; and the ways it is built."""

import re
import shutil

import pytest

from unflat.apps.studio import CSP, dist, ensure_built, sources
from unflat.apps.studio.build import BuildFailed, build, digest, is_fresh

MOST_OWN_BYTES = 400_000
LIBRARIES = ("three-", "model-viewer-", "lib-")


def test_our_own_code_is_small(built):
    own = [path for path in built.rglob("*") if path.is_file() and not path.name.startswith(LIBRARIES)]
    assert 20_000 < sum(path.stat().st_size for path in own) < MOST_OWN_BYTES


def test_the_pages_hold_no_script_and_no_style_of_their_own(built):
    for page in ("index.html", "ar.html"):
        text = (built / page).read_text("utf-8")
        assert not re.search(r"<style|style=|onload=|<script(?![^>]*\bsrc=)", text)
        assert not re.search(r"(src|href)=\"(?!/)", text)


def test_nothing_is_looked_for_elsewhere(built):
    """The hosts left are names of XML languages and sources named in comments."""
    found = {
        host for script in built.rglob("*.js") for host in re.findall(r"https?://([\w.-]+)", script.read_text("utf-8"))
    }
    assert found <= {"www.w3.org", "schema.org", "github.com", "jcgt.org"}


def test_the_policy_allows_nothing_inline_and_nothing_foreign():
    assert (
        "'unsafe-inline'" not in CSP
        and "'unsafe-eval'" not in CSP
        and "http" not in CSP
        and "default-src 'none'" in CSP
    )


def test_the_lock_names_no_registry():
    assert sources() is not None
    assert '"resolved"' not in (sources() / "package-lock.json").read_text("utf-8")


def test_what_is_fresh_is_not_built_again(built):
    assert ensure_built(pytest.fail) == built == dist()


def test_a_changed_source_is_noticed_and_packages_are_not_counted(built, tmp_path):
    copy = tmp_path / "studio"
    shutil.copytree(sources(), copy, ignore=shutil.ignore_patterns("node_modules"))
    assert is_fresh(copy, built)
    (copy / "src" / "main.tsx").write_text("changed")
    assert digest(copy) != digest(sources()) and not is_fresh(copy, built)


def test_a_build_that_fails_leaves_what_was_there(tmp_path, monkeypatch):
    source, out = tmp_path / "studio", tmp_path / "dist"
    source.mkdir()
    (source / "package-lock.json").write_text("{}")
    out.mkdir()
    (out / "index.html").write_text("before")
    with pytest.raises(BuildFailed):
        build(source, out)
    assert (out / "index.html").read_text() == "before" and sorted(tmp_path.iterdir()) == [out, source]
