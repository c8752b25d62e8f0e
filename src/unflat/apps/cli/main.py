"""The command line's entry: finds the command, and turns errors into one clear line and an exit status."""

from __future__ import annotations

import importlib
import json
import os
import sys
from collections.abc import Sequence

from unflat.core.errors import Cancelled, UnflatError

COMMANDS = {
    "make": "turn pictures into models (the default: `unflat photo.jpg`)",
    "batch": "folders and manifests of pictures to models, with a report; what is there stays",
    "plan": "show what would run, and prove that it can",
    "recipe": "list recipes, or show one with all its options",
    "backends": "list the backends with licence and needs",
    "check": "measure any model and judge it for a target",
    "rework": "any model to another format, face count, texture, size or use",
    "view": "open a model in the browser, offline",
    "marker": "print markers that make photos true to scale",
    "studio": "make models in the browser, on this machine",
    "serve": "serve the studio and the API, with workers",
    "worker": "work on the jobs of a server, from another machine",
    "token": "make, list and revoke the server's tokens",
    "mcp": "serve agents by the Model Context Protocol",
    "doctor": "look at this install and machine",
    "bench": "measure speed, or distance to known truth",
    "train": "make training data, train our networks, export them",
}
"""Each is a module of this folder with `run(arguments) -> exit status`."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; give its exit status."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given or bool(os.environ.get("UNFLAT_DEBUG"))
    given = [argument for argument in given if argument != "--debug"]
    command, rest = (given[0], given[1:]) if given and given[0] in COMMANDS else ("make", given)
    if command == "make" and (not rest or rest[0] in ("-h", "--help", "--version")):
        return _front_page(rest)
    try:
        module = importlib.import_module(f"unflat.apps.cli.{command}")
        return int(module.run(rest))
    except UnflatError as error:
        if debug:
            raise
        return _complain(error, as_json="--json" in given)
    except KeyboardInterrupt:
        return _complain(Cancelled(), as_json="--json" in given)
    except BrokenPipeError:
        # The reader of our output went away (`unflat recipe show photo | head`): that is no failure.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0


def _complain(error: UnflatError, *, as_json: bool) -> int:
    if as_json:
        print(json.dumps({"error": {"code": error.code, "message": error.message, "hint": error.hint}}))
    else:
        print(f"unflat: {error.message} [{error.code}]\n  → {error.hint}", file=sys.stderr)
    return error.exit_status


def _front_page(rest: list[str]) -> int:
    from unflat import __version__

    if rest and rest[0] == "--version":
        print(f"unflat {__version__}")
        return 0
    print(f"unflat {__version__}: pictures in; a textured, watertight, checked 3D model out.\n")
    print("  unflat photo.jpg                          → photo.glb")
    print("  unflat photo.jpg --for print --height 12cm → photo.3mf")
    print("  unflat folder/ -o models/                 → a model for each picture\n")
    for name, summary in COMMANDS.items():
        print(f"  unflat {name:<10} {summary}")
    print("\nAll options: unflat make --help. Docs: README.md and docs/.")
    return 0


if __name__ == "__main__":
    sys.exit(main())
