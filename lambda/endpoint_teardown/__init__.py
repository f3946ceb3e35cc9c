"""Removes what the deploy workflow made outside CloudFormation when the stack goes."""
