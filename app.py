"""The platform as an app: `cdk synth -c env=dev`, `-c env=all`, `-c env=dev -c workload=flight-delays`."""

import gc
import os
import sys
from pathlib import Path

gc.disable()  # one synthesis keeps nearly all it makes and ends; collecting what the imports bring costs a tenth of it
# What aws_cdk starts reads both: jsii speaks at every start on a Node it will drop, and the CDK's own validator costs
# seconds to print what stacks/second_opinion.yaml accepts; the tests apply its rules to every template.
os.environ.setdefault("JSII_SILENCE_WARNING_END_OF_LIFE_NODE_VERSION", "20")
os.environ.setdefault("CDK_VALIDATION", "false")

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
