"""Constraints that a baseline suggests, and their evaluation, in Model Monitor's schemas.

https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-byoc-constraints.html
https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-interpreting-violations.html
"""

from collections.abc import Iterator, Mapping
from typing import Any

import variation
from describe import common
from settings import Thresholds

Document = dict[str, Any]
Violation = dict[str, str]
LARGEST_DOMAIN = 120
"""Distinct strings up to which a feature is a category whose values are listed; Deequ's own limit."""
TYPE_MATCH = 1.0
"""Share of values that must be of the baseline's type."""
DOMAIN_MATCH = 0.99
"""Share of values that must be among those of the baseline: a new airport now and then is no violation."""


def suggest(statistics: Mapping[str, Any], thresholds: Thresholds) -> Document:
    """Derives the constraints that later data must satisfy from the baseline's statistics."""
    document: Document = {
        "version": 0,
        "features": [_suggest_feature(feature, thresholds) for feature in statistics["features"]],
    }
    return apply(document, statistics, thresholds)


def apply(constraints: Mapping[str, Any], statistics: Mapping[str, Any], thresholds: Thresholds) -> Document:
    """Returns the constraints with the thresholds that hold now: changing one needs no new baseline.

    Args:
        constraints: A baseline's.
        statistics: The same baseline's: what each feature moves by itself.
        thresholds: When a check becomes a violation.
    """
    own = variation.own_thresholds(statistics, thresholds.drift)
    document: Document = {
        **constraints,
        "features": [_with_own_threshold(feature, own.get(feature["name"])) for feature in constraints["features"]],
        "monitoring_config": {
            "evaluate_constraints": "Enabled",
            "emit_metrics": "Enabled",
            "datatype_check_threshold": TYPE_MATCH,
            "domain_content_threshold": DOMAIN_MATCH,
            "distribution_constraints": {
                "perform_comparison": "Enabled",
                "comparison_threshold": thresholds.drift,
                "comparison_method": "Robust",
                "categorical_comparison_threshold": thresholds.drift,
                "categorical_drift_method": "LInfinity",
            },
        },
    }
    document.pop("binary_classification_constraints", None)
    if thresholds.auc is not None:
        # Model Monitor keeps these in a file of the same format beside the data quality constraints.
        lowest = {"threshold": thresholds.auc, "comparison_operator": "LessThanThreshold"}
        document["binary_classification_constraints"] = {"auc": lowest}
    return document


def _with_own_threshold(feature: Mapping[str, Any], own: float | None) -> Document:
    """Returns a feature's constraints with its threshold for drift in the place that the schema has for it."""
    document = {name: value for name, value in feature.items() if name != "monitoringConfigOverrides"}
    if own is not None:
        limit = {"comparison_threshold": own, "categorical_comparison_threshold": own}
        document["monitoringConfigOverrides"] = {"distribution_constraints": limit}
    return document


def drift_threshold(constraints: Mapping[str, Any], name: str) -> float:
    """Returns the distance beyond which a feature has drifted: its own where it has one."""
    general: float = constraints["monitoring_config"]["distribution_constraints"]["comparison_threshold"]
    for feature in constraints["features"]:
        if feature["name"] == name and "monitoringConfigOverrides" in feature:
            own: float = feature["monitoringConfigOverrides"]["distribution_constraints"]["comparison_threshold"]
            return own
    return general


def _suggest_feature(feature: Mapping[str, Any], thresholds: Thresholds) -> Document:
    counts = common(feature)
    rows = counts["num_present"] + counts["num_missing"]
    observed = counts["num_present"] / rows if rows else 0.0
    suggested: Document = {
        "name": feature["name"],
        "inferred_type": feature["inferred_type"],
        "completeness": max(0.0, observed - thresholds.missing),
    }
    if "mean" in feature.get("numerical_statistics", {}):
        suggested["num_constraints"] = {"is_non_negative": feature["numerical_statistics"]["min"] >= 0}
    strings = feature.get("string_statistics")
    if strings and 0 < strings["distinct_count"] <= LARGEST_DOMAIN:
        values = [bucket["value"] for bucket in strings["distribution"]["categorical"]["buckets"]]
        suggested["string_constraints"] = {"domains": sorted(values)}
    return suggested


def evaluate(
    constraints: Mapping[str, Any], statistics: Mapping[str, Any], drift: Mapping[str, float]
) -> list[Violation]:
    """Checks a described data set against the constraints; one without rows violates nothing.

    Args:
        constraints: What `suggest` or `apply` returned.
        statistics: The current data.
        drift: Distance to the baseline per feature, 0 to 1.
    """
    if statistics["dataset"]["item_count"] == 0:
        return []
    expected = {feature["name"]: feature for feature in constraints["features"]}
    observed = {feature["name"]: feature for feature in statistics["features"]}
    found = [
        violation(name, "missing_column_check", "The baseline has this column, the current data has not.")
        for name in expected.keys() - observed.keys()
    ]
    found += [
        violation(name, "extra_column_check", "The current data has this column, the baseline has not.")
        for name in observed.keys() - expected.keys()
    ]
    for name in expected.keys() & observed.keys():
        found += _check(expected[name], observed[name])
    found += [
        violation(name, "baseline_drift_check", f"Baseline drift distance: {score:.4f} exceeds threshold: {limit:.4g}")
        for name, score in drift.items()
        if score > (limit := drift_threshold(constraints, name))
    ]
    return sorted(found, key=lambda entry: (entry["feature_name"], entry["constraint_check_type"]))


def _check(expected: Mapping[str, Any], observed: Mapping[str, Any]) -> Iterator[Violation]:
    name, counts = expected["name"], common(observed)
    mismatched = observed.get("num_mismatched", 0)
    present, rows = counts["num_present"], counts["num_present"] + counts["num_missing"] + mismatched
    match = present / (present + mismatched) if present + mismatched else 1.0
    if match < TYPE_MATCH:
        kind = expected["inferred_type"]
        text = f"Expected type: {kind}, expected match: {TYPE_MATCH:.1%}. Observed: only {match:.2%} of data is {kind}."
        yield violation(name, "data_type_check", text)
    completeness = (present + mismatched) / rows
    if completeness < expected["completeness"]:
        text = f"Expected completeness: {expected['completeness']:.2%} or more. Observed: {completeness:.2%}."
        yield violation(name, "completeness_check", text)
    domain = set(expected.get("string_constraints", {}).get("domains", ()))
    if domain and present:
        buckets = observed["string_statistics"]["distribution"]["categorical"]["buckets"]
        unknown = [bucket for bucket in buckets if bucket["value"] not in domain]
        known = 1 - sum(bucket["count"] for bucket in unknown) / present
        if known < DOMAIN_MATCH:
            text = f"Expected {DOMAIN_MATCH:.1%} of values in the baseline's domain, observed {known:.2%}; unknown: "
            yield violation(name, "categorical_values_check", text + ", ".join(b["value"] for b in unknown[:5]))


def violation(feature: str, check: str, description: str, **more: str) -> Violation:
    """Builds one entry of `constraint_violations.json`."""
    return {"feature_name": feature, "constraint_check_type": check, "description": description, **more}
