"""Step Functions: every Task is a call with boto3 as the state machine's role."""

from .engine import register

__all__ = ["register"]
