"""The one training loop: any network, CPU or GPU, one process or many, in pieces of minutes or in one go.

A piece ends by its budget of minutes, by steps, or by Ctrl-C; each leaves a checkpoint with everything (weights,
average, optimiser, step), and the next goes on from there as if nothing had been: batches depend on the step alone.
"""

from __future__ import annotations

import csv
import math
import os
import time
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from copy import deepcopy
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from unflat.core import InputError
from unflat.core.device import best_device

CHECKPOINT = "checkpoint.pt"
LOG = "log.csv"
SAMPLES = "samples.png"
_LOG_EVERY = 50
_WARM_UP_STEPS = 500
_AVERAGE_WARM_UP = 10.0
"""The average forgets its untrained beginning: its decay is at most (step + 1) / (step + 10)."""
_CLIP = 1.0
"""Largest norm of a gradient: single odd objects do not throw the weights about."""


@runtime_checkable
class Task(Protocol):
    """What is trained."""

    def network(self) -> nn.Module:
        """The untrained network."""
        ...

    def batch(self, step: int, rank: int) -> dict[str, Tensor]:
        """The batch of a step; the same for the same step."""
        ...

    def loss(self, network: nn.Module, batch: Mapping[str, Tensor]) -> tuple[Tensor, dict[str, Tensor]]:
        """What is made small, and its parts for the log."""
        ...

    def sample_sheet(self, network: nn.Module, path: Path) -> None:
        """A picture of what the network says now."""
        ...


@dataclass(frozen=True)
class LoopOptions:
    """How long and how fast."""

    folder: Path
    """Checkpoint, log and sample sheets."""
    minutes: float = 10.0
    """Budget of this piece."""
    steps: int | None = None
    """End at this step, if it comes first."""
    learning_rate: float = 1e-3
    encoder_rate: float = 0.3
    """Factor on the learning rate for pretrained weights (parameters under ``encoder``)."""
    finish: bool = False
    """Let the learning rate fall to zero over this piece: for the last one before weights are exported."""
    weight_decay: float = 0.02
    average: float = 0.999
    """Decay of the moving average of the weights, per step."""
    accumulate: int = 1
    """Batches per step."""
    checkpoint_minutes: float = 5.0
    device: str = "auto"
    mixed_precision: bool = True
    threads: int | None = None


@dataclass
class _State:
    network: nn.Module
    average: nn.Module
    optimizer: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0
    """Training time so far, all pieces together."""


def train(task: Task, options: LoopOptions, tell: Callable[[str], None]) -> nn.Module:
    """Train until the budget ends; gives the averaged network. Ctrl-C ends the piece early, with a checkpoint."""
    rank, world = _join_others()
    if options.threads:
        torch.set_num_threads(options.threads)
    device = torch.device(best_device() if options.device == "auto" else options.device)
    options.folder.mkdir(parents=True, exist_ok=True)
    state = _restored(task, options, device)
    network = state.network
    if world > 1:
        network = nn.parallel.DistributedDataParallel(network, find_unused_parameters=True)
    diary = _Diary(task, options, state, tell, is_first=rank == 0)
    batches = _Ahead(lambda step: [task.batch(step * options.accumulate + i, rank) for i in range(options.accumulate)])
    try:
        while not diary.is_over():
            _set_rate(state.optimizer, options, state.step, diary.minutes)
            parts: dict[str, float] = {}
            for batch in batches.of(state.step):
                for name, value in _backward(task, network, _moved(batch, device), options, device).items():
                    parts[name] = parts.get(name, 0.0) + float(value) / options.accumulate
            nn.utils.clip_grad_norm_(network.parameters(), _CLIP)
            state.optimizer.step()
            state.optimizer.zero_grad(set_to_none=True)
            state.step += 1
            _update_average(state, options.average)
            diary.note(parts)
    except KeyboardInterrupt:
        tell("Stopped; the next run goes on from here.")
    finally:
        batches.close()
    diary.keep()
    if world > 1:
        torch.distributed.destroy_process_group()
    return state.average.eval()


def averaged_weights(folder: Path) -> dict[str, Tensor]:
    """The averaged weights of a checkpoint. Raises `InputError` (``no-checkpoint``)."""
    path = folder / CHECKPOINT
    if not path.is_file():
        raise InputError(
            f"There is no checkpoint in {folder}.", code="no-checkpoint", hint="Train first, or name another folder."
        )
    return dict(torch.load(path, map_location="cpu", weights_only=True)["average"])


class _Diary:
    """Keeps the time of a piece, its log, its checkpoints and its sample sheets. Only the first process writes."""

    def __init__(
        self, task: Task, options: LoopOptions, state: _State, tell: Callable[[str], None], *, is_first: bool
    ) -> None:
        self._task, self._options, self._state, self._tell, self._is_first = task, options, state, tell, is_first
        self._start = self._kept = time.monotonic()
        self._before, self._first_step = state.seconds, state.step
        self._sums: dict[str, float] = {}
        self._noted = 0

    @property
    def minutes(self) -> float:
        """Of this piece so far."""
        return (time.monotonic() - self._start) / 60

    def is_over(self) -> bool:
        """Whether the budget is spent."""
        enough = self._options.steps is not None and self._state.step >= self._options.steps
        return enough or self.minutes >= self._options.minutes

    def note(self, parts: Mapping[str, float]) -> None:
        """A step is done: log the mean of some, and keep a checkpoint when it is time."""
        self._state.seconds = self._before + self.minutes * 60
        for name, value in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + value
        self._noted += 1
        if self._noted == _LOG_EVERY:
            self._log()
        if time.monotonic() - self._kept > self._options.checkpoint_minutes * 60:
            self.keep()

    def keep(self) -> None:
        """Write the checkpoint and the sample sheet."""
        if self._is_first:
            _save(self._options.folder, self._state)
            self._task.sample_sheet(self._state.average, self._options.folder / SAMPLES)
        self._kept = time.monotonic()

    def _log(self) -> None:
        speed = (self._state.step - self._first_step) / (self.minutes * 60)
        means = {name: value / self._noted for name, value in self._sums.items()}
        row = {"step": float(self._state.step), "hours": self._state.seconds / 3600, "steps_a_second": speed, **means}
        self._sums, self._noted = {}, 0
        if not self._is_first:
            return
        path = self._options.folder / LOG
        is_new = not path.exists()
        with path.open("a", newline="", encoding="utf-8") as file:
            writer = csv.writer(file)
            if is_new:
                writer.writerow(row)
            writer.writerow([f"{value:.5g}" for value in row.values()])
        self._tell("  ".join(f"{name} {value:.4g}" for name, value in row.items()))


class _Ahead:
    """Makes the batches of the next steps in threads while this one is trained on."""

    _STEPS = 3

    def __init__(self, make: Callable[[int], list[dict[str, Tensor]]]) -> None:
        self._make, self._threads = make, ThreadPoolExecutor(2)
        self._coming: dict[int, Future[list[dict[str, Tensor]]]] = {}

    def of(self, step: int) -> list[dict[str, Tensor]]:
        for coming in range(step, step + self._STEPS):
            if coming not in self._coming:
                self._coming[coming] = self._threads.submit(self._make, coming)
        return self._coming.pop(step).result()

    def close(self) -> None:
        self._threads.shutdown(cancel_futures=True)


def _backward(
    task: Task, network: nn.Module, batch: Mapping[str, Tensor], options: LoopOptions, device: torch.device
) -> dict[str, Tensor]:
    precision: AbstractContextManager[object] = nullcontext()
    if options.mixed_precision:
        precision = torch.autocast(device.type, torch.bfloat16)
    with precision:
        loss, parts = task.loss(network, batch)
    (loss / options.accumulate).backward()
    return {"loss": loss.detach(), **parts}


def _restored(task: Task, options: LoopOptions, device: torch.device) -> _State:
    network = task.network().to(device, memory_format=torch.channels_last).train()
    average = deepcopy(network).eval()
    pretrained = [value for name, value in network.named_parameters() if name.startswith("encoder")]
    fresh = [value for name, value in network.named_parameters() if not name.startswith("encoder")]
    optimizer = torch.optim.AdamW(
        [{"params": fresh, "factor": 1.0}, {"params": pretrained, "factor": options.encoder_rate}],
        lr=options.learning_rate,
        weight_decay=options.weight_decay,
    )
    state = _State(network, average, optimizer)
    path = options.folder / CHECKPOINT
    if path.is_file():
        stored = torch.load(path, map_location=device, weights_only=True)
        network.load_state_dict(stored["network"])
        average.load_state_dict(stored["average"])
        optimizer.load_state_dict(stored["optimizer"])
        state.step, state.seconds = stored["step"], stored["seconds"]
    return state


def _save(folder: Path, state: _State) -> None:
    """Written whole or not at all, so that a kill leaves the last one."""
    partial = folder / (CHECKPOINT + ".partial")
    torch.save(
        {
            "network": state.network.state_dict(),
            "average": state.average.state_dict(),
            "optimizer": state.optimizer.state_dict(),
            "step": state.step,
            "seconds": state.seconds,
        },
        partial,
    )
    partial.replace(folder / CHECKPOINT)


def _set_rate(optimizer: torch.optim.Optimizer, options: LoopOptions, step: int, minutes: float) -> None:
    """A short warm-up, then constant, since nobody knows how many pieces will follow; half a cosine when finishing."""
    rate = options.learning_rate * min(1.0, (step + 1) / _WARM_UP_STEPS)
    if options.finish:
        rate *= 0.5 * (1 + math.cos(math.pi * min(minutes / options.minutes, 1.0)))
    for group in optimizer.param_groups:
        group["lr"] = rate * group["factor"]


@torch.no_grad()
def _update_average(state: _State, decay: float) -> None:
    decay = min(decay, (state.step + 1) / (state.step + _AVERAGE_WARM_UP))
    for kept, new in zip(state.average.state_dict().values(), state.network.state_dict().values(), strict=True):
        if kept.dtype.is_floating_point:
            kept.lerp_(new, 1 - decay)
        else:
            kept.copy_(new)


def _moved(batch: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    moved = {name: value.to(device, non_blocking=True) for name, value in batch.items()}
    return {
        name: value.contiguous(memory_format=torch.channels_last) if value.dim() == 4 else value
        for name, value in moved.items()
    }


def _join_others() -> tuple[int, int]:
    """Rank and number of processes, as torchrun tells them."""
    world = int(os.environ.get("WORLD_SIZE", "1"))
    if world > 1:
        torch.distributed.init_process_group("nccl" if best_device() == "cuda" else "gloo")
        return torch.distributed.get_rank(), world
    return 0, 1
