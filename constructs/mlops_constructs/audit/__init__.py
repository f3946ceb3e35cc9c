"""Audit: trail, configuration history, threat and posture detection of an account. Serves the phase Reliable.

Import from the modules: `rules_data`, `watch_data` and `features` are plain data that a reader without the CDK can
load.
"""
