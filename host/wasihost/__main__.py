"""`python -m wasihost`."""

import sys

from wasihost._commands.cli import main

sys.exit(main())
