"""`python -m mlops_local`."""

import sys

try:
    from .cli import main

    sys.exit(main())
except KeyboardInterrupt:  # before the command had its own handler
    sys.exit(130)
