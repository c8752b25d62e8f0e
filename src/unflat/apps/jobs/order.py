"""Order: what a client may ask for, as JSON. Unknown fields are refused; paths of this machine can't be named."""

from __future__ import annotations

import ast
import math
from functools import lru_cache
from itertools import pairwise
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, model_validator

import unflat

ModelFormat = Literal["glb", "usdz", "obj", "ply", "stl", "3mf"]
Target = Literal["", "game", "ar", "print", "web"]
Short = Annotated[str, StringConstraints(max_length=200)]
Pixel = Annotated[float, Field(ge=0, le=100_000, allow_inf_nan=False)]
SettingKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9_-]+(\.[a-z0-9_-]+){1,3}$", max_length=80)]
SettingValue = (
    bool | Annotated[int, Field(ge=-(2**53), le=2**53)] | Annotated[float, Field(allow_inf_nan=False)] | Short
)
MAX_PICTURES = 1000
MAX_DATA_CHARACTERS = 48 * 2**20
_PATH_OPTIONS = ("weights", "path", "folder", "file", "model_path")
"""Options that name files of the machine: those are the operator's to set, not a client's."""


@lru_cache(maxsize=1)
def _help_of_request() -> dict[str, str]:
    """The line under each field of `Request`, read from its source: importing it would load the engine."""
    source = (Path(unflat.__file__).parent / "pipeline" / "request.py").read_text("utf-8")
    body = next(n.body for n in ast.parse(source).body if isinstance(n, ast.ClassDef) and n.name == "Request")
    helps: dict[str, str] = {}
    for before, after in pairwise(body):
        if isinstance(before, ast.AnnAssign) and isinstance(before.target, ast.Name) and isinstance(after, ast.Expr):
            helps[before.target.id] = " ".join(str(ast.literal_eval(after.value)).split())
    return helps


def _as_in_request(name: str, default: Any, **more: Any) -> Any:
    return Field(default, description=_help_of_request().get(name), **more)


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True)


class FileRef(_Strict):
    """A file: uploaded before, left by a job, to be fetched, or carried along. Exactly one of these."""

    file: Annotated[str, StringConstraints(max_length=400)] | None = Field(None, description="Id of an uploaded file.")
    url: Annotated[str, StringConstraints(max_length=4000)] | None = Field(
        None, description="A public http or https address; fetched when the order comes in."
    )
    data: Annotated[str, StringConstraints(max_length=MAX_DATA_CHARACTERS)] | None = Field(
        None, description="A data URL, such as data:image/png;base64,…"
    )

    result: Annotated[str, StringConstraints(max_length=400)] | None = Field(
        None, description="A file that a job left: JOB_ID/NAME."
    )

    @model_validator(mode="after")
    def _exactly_one(self) -> FileRef:
        if sum(value is not None for value in (self.file, self.url, self.data, self.result)) != 1:
            raise ValueError("give exactly one of file, url, data and result")
        return self


class Webhook(_Strict):
    """Where to tell that the job has ended."""

    url: Annotated[str, StringConstraints(max_length=4000, pattern=r"^https?://")]
    secret: Annotated[str, StringConstraints(min_length=16, max_length=200)] = Field(
        description="Signs the message: HMAC-SHA256 of “timestamp.body”."
    )


class Order(_Strict):
    """One job: pictures to a model (`make`), a model to another (`rework`), or a model judged (`check`)."""

    kind: Literal["make", "rework", "check"] = "make"
    pictures: list[FileRef] = Field(default_factory=list, max_length=MAX_PICTURES)
    model: FileRef | None = Field(None, description="The model, for rework and check.")
    source: Literal["photo", "photos", "drawing"] | None = _as_in_request("kind", None)
    sides: list[Annotated[str, StringConstraints(pattern=r"^[a-z0-9.-]{1,12}$")]] = _as_in_request(
        "sides", [], max_length=12
    )
    target: Target = _as_in_request("target", "")
    quality: Literal["draft", "standard", "high"] = Field("standard", description="How much time to spend.")
    recipe: Annotated[str, StringConstraints(pattern=r"^[a-z0-9-]{1,40}$")] | None = Field(
        None, description="A recipe's name; null chooses by kind of source."
    )
    settings: dict[SettingKey, SettingValue] = _as_in_request("settings", {}, max_length=60)
    height: Annotated[str, StringConstraints(max_length=30)] | None = _as_in_request("height", None)
    size: Annotated[str, StringConstraints(max_length=30)] | None = _as_in_request("size", None)
    seed: Annotated[int, Field(ge=0, le=2**31 - 1)] = 0
    all_objects: bool = Field(False, description="A model for each object in the picture.")
    object_masks: bool = _as_in_request("object_masks", False)
    mask: FileRef | None = _as_in_request("mask", None)
    box: tuple[Pixel, Pixel, Pixel, Pixel] | None = Field(
        None, description="The object's box in pixels of the picture: left, top, right, bottom."
    )
    clicks: list[tuple[Pixel, Pixel, Literal[0, 1]]] | None = Field(
        None, max_length=100, description="Points [x, y, label] in pixels: label 1 on the object, 0 beside it."
    )
    cameras: FileRef | None = _as_in_request("cameras", None)
    levels: Annotated[int, Field(ge=0, le=5)] = Field(0, description="How many coarser levels of detail to add.")
    formats: list[ModelFormat] | None = Field(None, max_length=6, description="null: those that the target wants.")
    image_format: Literal["jpeg", "png", "webp"] = Field("jpeg", description="Base colour in a GLB.")
    preview: bool = Field(True, description="A picture of the model.")
    sheet: bool = Field(False, description="Photo, sides, normals, seen or inferred.")
    turntable: Literal["webp", "mp4"] | None = Field(None, description="A turning picture.")
    faces: Annotated[int, Field(ge=4, le=5_000_000)] | None = Field(None, description="Face budget.")
    texture_px: Annotated[int, Field(ge=64, le=8192)] | None = Field(None, description="Texture side.")
    quads: bool = Field(False, description="Rework: faces of four corners.")
    watertight: bool = Field(False, description="Rework: close and repair the surface.")
    up: Literal["x", "-x", "y", "-y", "z", "-z"] | None = Field(
        None, description="Rework: the axis of the model that shall point up."
    )
    priority: Annotated[int, Field(ge=-100, le=100)] = Field(0, description="Higher goes first.")
    webhook: Webhook | None = None
    labels: dict[Annotated[str, StringConstraints(max_length=60)], Short] = Field(default_factory=dict, max_length=20)

    @model_validator(mode="after")
    def _fits_its_kind(self) -> Order:
        if self.kind == "make" and not self.pictures:
            raise ValueError("a make order needs at least one picture")
        if self.kind == "make" and self.model is not None:
            raise ValueError("model belongs to rework and check, not to make")
        if self.kind != "make" and self.model is None:
            raise ValueError(f"a {self.kind} order needs a model")
        if self.kind != "make" and self.pictures:
            raise ValueError(f"pictures belong to make, not to {self.kind}")
        for key in self.settings:
            if key.rsplit(".", 1)[-1] in _PATH_OPTIONS:
                raise ValueError(f"setting {key} names files of the server and can't be set by a client")
        if self.box is not None and not (self.box[0] < self.box[2] and self.box[1] < self.box[3]):
            raise ValueError("box is left, top, right, bottom with left < right and top < bottom")
        if any(isinstance(value, float) and not math.isfinite(value) for value in self.settings.values()):
            raise ValueError("settings must be finite numbers")
        return self

    def references(self) -> list[FileRef]:
        """Every file that the order names, in order."""
        single = [ref for ref in (self.model, self.mask, self.cameras) if ref is not None]
        return [*self.pictures, *single]
