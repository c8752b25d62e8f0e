"""Weights that come with the package: an ONNX file beside a card that says what it is, checked by its hash."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unflat.core import SetupError
from unflat.core.device import cores

SHIPPED = Path(__file__).parent / "weights"
"""The folder of the weights that come with the package."""

_THREADS = 2
"""A laptop's cores; more of them gain little on networks this small."""


@dataclass(frozen=True)
class WeightsCard:
    """What is known of the weights."""

    name: str
    file: str
    sha256: str
    bytes: int
    licence: str
    source: str
    """How and from what they were trained."""


@dataclass(frozen=True)
class WeightsFolder:
    """A folder with weights and their card, and what to do where they can't be had."""

    folder: Path
    card_file: str
    hint: str

    def open_session(self, takes: frozenset[str], gives: frozenset[str]) -> tuple[Any, WeightsCard]:
        """An ONNX Runtime session for the weights, and their card.

        Raises `SetupError`: ``missing-weights`` where there are none, ``damaged-weights`` where they are not what the
        card says or have other inputs and outputs than named here.
        """
        import onnxruntime

        card = self._card()
        content = self._content(card)
        settings = onnxruntime.SessionOptions()
        settings.intra_op_num_threads, settings.inter_op_num_threads = min(_THREADS, cores()), 1
        # Spinning threads take the cores from the stages that follow, and gain a few milliseconds.
        settings.add_session_config_entry("session.intra_op.allow_spinning", "0")
        try:
            session = onnxruntime.InferenceSession(content, settings, providers=["CPUExecutionProvider"])
        except Exception as error:  # ONNX Runtime's own errors share no public base
            raise self._damaged(card.file, f"ONNX Runtime refuses them ({error})") from error
        wrong = takes ^ {one.name for one in session.get_inputs()}
        wrong |= gives - {one.name for one in session.get_outputs()}
        if wrong:
            raise self._damaged(card.file, f"it is another network ({', '.join(sorted(wrong))})")
        return session, card

    def _card(self) -> WeightsCard:
        try:
            told = json.loads((self.folder / self.card_file).read_text(encoding="utf-8"))
        except FileNotFoundError as error:
            raise self._missing(self.card_file) from error
        except (OSError, ValueError) as error:
            raise self._damaged(self.card_file, "the card can't be read") from error
        names = WeightsCard.__dataclass_fields__
        if not isinstance(told, dict) or not names.keys() <= told.keys():
            raise self._damaged(self.card_file, f"the card must tell {', '.join(names)}")
        return WeightsCard(**{name: told[name] for name in names})

    def _content(self, card: WeightsCard) -> bytes:
        try:
            content = (self.folder / card.file).read_bytes()
        except OSError as error:
            raise self._missing(card.file) from error
        if hashlib.sha256(content).hexdigest() != card.sha256:
            raise self._damaged(
                card.file, f"{len(content)} bytes with another hash than the card's ({card.bytes} bytes)"
            )
        return content

    def _missing(self, name: str) -> SetupError:
        return SetupError(f"The weights {name} are not in {self.folder}.", code="missing-weights", hint=self.hint)

    def _damaged(self, name: str, why: str) -> SetupError:
        return SetupError(
            f"The weights {name} in {self.folder} are damaged: {why}.", code="damaged-weights", hint=self.hint
        )
