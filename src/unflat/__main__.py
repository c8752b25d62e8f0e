"""``python -m unflat`` is the command ``unflat``, also where no folder of commands is on the path."""

import sys

from unflat.apps.cli.main import main

if __name__ == "__main__":
    sys.exit(main())
