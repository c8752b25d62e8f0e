"""Dockerfile and compose.yaml name only what the project has."""

import os
import re
import sys
from pathlib import Path

import pytest

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

yaml = pytest.importorskip("yaml", reason="PyYAML is not installed")

ROOT = Path(__file__).parents[2]
EXTRAS = re.compile(r"\[([a-z0-9,]+)\]'")


def dockerfile():
    return (ROOT / "Dockerfile").read_text("utf-8")


def services():
    return yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))["services"]


def test_the_image_installs_the_same_extras_that_it_built():
    named = [set(found.split(",")) for found in EXTRAS.findall(dockerfile())]
    known = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    assert len(named) == 2
    assert named[0] == named[1] <= set(known)


def test_the_image_runs_without_rights_and_reports_its_health():
    lines = dockerfile().splitlines()
    assert "USER unflat" in lines
    assert lines.index("USER unflat") < next(at for at, line in enumerate(lines) if line.startswith("ENTRYPOINT"))
    assert any(line.startswith("HEALTHCHECK") for line in lines)


@pytest.mark.parametrize("name", ["server", "worker"])
def test_the_commands_of_compose_are_commands_of_ours(name, unflat):
    command, *options = services()[name]["command"]
    status_of_unknown = 2
    with pytest.raises(SystemExit) as ended:
        unflat(command, *options, "--no-such-option")
    assert ended.value.code == status_of_unknown


def test_what_compose_sets_is_what_the_commands_read(monkeypatch):
    pytest.importorskip("fastapi", reason="the extra “server” is not installed")
    from unflat.apps.cli.serve import settings_of

    environment = services()["worker"]["environment"]
    for name in ("UNFLAT_DATABASE", "UNFLAT_STORAGE"):
        monkeypatch.setitem(os.environ, name, re.sub(r"\$\{[^}]+\}", "secret", environment[name]))
    config = settings_of(["--data", "/nowhere"])[0].jobs
    assert config.database.startswith("postgresql://unflat:secret@database")
    assert config.storage == "s3://unflat/jobs"


def test_every_volume_and_dependency_is_there():
    whole = yaml.safe_load((ROOT / "compose.yaml").read_text("utf-8"))
    for service in whole["services"].values():
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in whole["volumes"]
        assert set(service.get("depends_on", [])) <= set(whole["services"])
