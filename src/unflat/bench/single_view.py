"""The single-photo benchmark: every method's guess at every photo, measured by one protocol.

The protocol is written down in `docs/single-view-benchmark.md`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from unflat.bench.single_view_bounds import truth_itself, two_layers
from unflat.bench.single_view_cases import VIEWS, Case, Truth, case_of, truths
from unflat.bench.single_view_guess import Method, PipelineMethod, SidesMethod
from unflat.bench.single_view_memory import measured_peak_mb
from unflat.bench.single_view_memory_guesses import MeanShape, Retrieval
from unflat.bench.single_view_rows import CaseRow, RowFile
from unflat.bench.single_view_score import scores_of
from unflat.bench.single_view_table import report
from unflat.bench.single_view_uncertainty import Bins, error_bins
from unflat.bench.training_shapes import training_shapes
from unflat.core import InputError, SetupError, StageFailed
from unflat.nets.object_guess import guess_object
from unflat.nets.shipped_weights import SHIPPED
from unflat.nets.single_view import load_single_view
from unflat.stages.reconstruct.single_view import SingleView
from unflat.synth.objects import open_library

_REMEMBERING = ("mean-shape", "retrieval", "retrieval-oracle")
TRIVIAL_METHODS = ("inflate", "inflate:back=flat", *_REMEMBERING)
BOUNDS = ("two-layers", "truth")
OWN_METHOD = "single-view"
SIDES_METHOD = "sides"
"""All four photos of the object instead of one; measured where it is named."""


@dataclass(frozen=True)
class SingleViewBench:
    """What to measure and where to keep it."""

    objects: Path
    """A library with an index, or any folder of models."""
    results: Path
    """Rows are kept here; what is there already is not measured again."""
    methods: tuple[str, ...] = ()
    """Names; empty: the trivial guesses, the bounds, and our network if its weights are there."""
    limit: int | None = None
    """So many objects, spread over the list."""
    pictures: bool = True
    """Whether guesses are textured and their looks measured."""
    again: bool = False
    """Forget the named methods' rows first: for new weights, or changed code."""

    def run(self, tell: Callable[[str], None]) -> str:
        """Measure what is missing, tell a line a case, give the tables as Markdown."""
        names = self.methods or default_methods()
        files = {name: RowFile(self.results, name) for name in names}
        if self.again:
            for file in files.values():
                file.clear()
        methods: dict[str, Method] = {}
        peaks: dict[str, float] = {}
        wanted: list[tuple[str, int]] = []
        for truth in truths(self.objects, self.limit):
            wanted += [(truth.entry.id, view) for view in range(VIEWS)]
            for case in _open_cases(truth, tuple(files.values())):
                for name, file in files.items():
                    if case.key in file.rows:
                        continue
                    if name not in methods:
                        methods[name] = self._method(name, tell)
                    row = self._measured(name, methods[name], case)
                    file.add(row)
                    tell(_line(row))
        for name, file in files.items():
            peak = self._peak_mb(name, file)
            if peak is not None:
                peaks[name] = peak
        rows = {name: [file.rows[key] for key in wanted if key in file.rows] for name, file in files.items()}
        return report(rows, peaks)

    def _measured(self, name: str, method: Method, case: Case) -> CaseRow:
        entry = case.truth.entry
        started, started_cpu = time.perf_counter(), time.process_time()
        try:
            guess = method(case)
        except (InputError, StageFailed) as error:
            return CaseRow(name, entry.id, entry.category, case.view_index, failure=error.code)
        seconds, cpu_seconds = time.perf_counter() - started, time.process_time() - started_cpu
        scores = scores_of(case, guess, pictures=self.pictures)
        return CaseRow(
            name,
            entry.id,
            entry.category,
            case.view_index,
            shape_s=round(seconds if guess.shape_s is None else guess.shape_s, 3),
            shape_cpu_s=round(cpu_seconds if guess.shape_cpu_s is None else guess.shape_cpu_s, 3),
            texture_s=round(guess.texture_s, 3),
            error_bins=_error_bins(name, case),
            scores={key: value if value is None else round(value, 5) for key, value in scores.items()},
        )

    def _method(self, name: str, tell: Callable[[str], None]) -> Method:
        """The method of a name; every name that is none of ours is a backend's. Raises `RecipeError`."""
        if name == "truth":
            return truth_itself
        if name == "two-layers":
            return two_layers
        if name == SIDES_METHOD:
            return SidesMethod(pictures=self.pictures)
        if name in _REMEMBERING:
            library = open_library(self.objects)
            shapes = training_shapes(library, tell)
            if name == "mean-shape":
                return MeanShape(shapes)
            return Retrieval(library, shapes, normals=name == "retrieval-oracle")
        return PipelineMethod.of(name, pictures=self.pictures)

    def _peak_mb(self, name: str, file: RowFile) -> float | None:
        """Peak memory of a pipeline's method on the first photo, measured once."""
        if name in (*BOUNDS, *_REMEMBERING, SIDES_METHOD):
            return None
        if not file.peak_path.is_file():
            view = case_of(next(truths(self.objects, 1)), 0).view
            file.peak_path.write_text(f"{measured_peak_mb(view, PipelineMethod.of(name)):.0f}", encoding="utf-8")
        return float(file.peak_path.read_text(encoding="utf-8"))


def default_methods() -> tuple[str, ...]:
    """The trivial guesses, the bounds, and our network if its weights are there."""
    try:
        load_single_view()
    except SetupError:
        return (*TRIVIAL_METHODS, *BOUNDS)
    return (*TRIVIAL_METHODS, OWN_METHOD, *BOUNDS)


def _error_bins(name: str, case: Case) -> Bins:
    """Our own network's expected and true errors; empty for other methods."""
    if name.partition(":")[0] != OWN_METHOD:
        return []
    weights = dict(PipelineMethod.of(name).settings).get("weights", "")
    network = load_single_view(Path(weights) if weights else SHIPPED)
    assert case.view.mask is not None
    return error_bins(case, guess_object(network, case.view.photo, case.view.mask, SingleView().resolution))


def _open_cases(truth: Truth, files: Sequence[RowFile]) -> Iterator[Case]:
    """The object's photos that a method has not yet answered; none is taken in vain."""
    for view in range(VIEWS):
        if any((truth.entry.id, view) not in file.rows for file in files):
            yield case_of(truth, view)


def _line(row: CaseRow) -> str:
    head = f"{row.method[:18]:<19}{row.object[:36]:<37}{row.view:>2}"
    if row.failure:
        return f"{head}  failed: {row.failure}"
    return f"{head}{row.scores['chamfer']:>8.3f}{row.scores['f_0.05']:>7.2f}{row.shape_s:>8.2f} s"
