"""`python -m wasihost`."""

import sys

from wasihost.cli import main

sys.exit(main())
