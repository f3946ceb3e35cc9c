"""Turns on what CloudFormation has no resource type for: Inspector's scans and Macie's classification job."""
