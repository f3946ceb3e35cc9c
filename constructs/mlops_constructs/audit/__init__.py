"""Audit: trail, configuration history, threat and posture detection of an account. Serves the phase Reliable.

Import from the modules: `rules_data` and `watch_data` are plain data that a reader without the CDK can load.
"""
