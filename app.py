"""The platform as an app: `cdk synth -c env=dev`, `-c env=all`, `-c env=dev -c workload=flight-delays`."""

import gc
import sys
from pathlib import Path

gc.disable()  # one synthesis keeps nearly all it makes and ends; collecting what the imports bring costs a tenth of it

import aws_cdk as cdk
from constructs import Construct

from stacks.config import ALL, ConfigError, check_context
from stacks.stage import PlatformStage, add_platform, check_policies, read_platforms

app, root = cdk.App(), Path(__file__).parent
selected, workload = app.node.try_get_context("env"), app.node.try_get_context("workload")

try:
    check_context(app.node.get_all_context(), (root, Path.home()))
    platforms = read_platforms(root, selected, workload)
except ConfigError as error:
    sys.exit(str(error))

if selected == ALL:
    for platform in platforms:
        PlatformStage(app, platform.environment.name, platform=platform)
else:
    # `cdk deploy --all` looks at the app's own stacks only, never into a stage; the paths are the same in both.
    add_platform(Construct(app, platforms[0].environment.name), platforms[0])

check_policies(app)
app.synth()
