"""AWS Glue's Data Quality Definition Language: parser and evaluator on DuckDB."""

from __future__ import annotations

from .evaluator import RuleResult, evaluate, score
from .parser import DqdlError, parse

__all__ = ["DqdlError", "RuleResult", "evaluate", "parse", "score"]
