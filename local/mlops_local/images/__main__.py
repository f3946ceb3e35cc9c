"""`python -m mlops_local.images`: the Docker commands the CDK CLI needs."""

import sys

from .shim import main

sys.exit(main(sys.argv[1:]))
