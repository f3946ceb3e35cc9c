"""Checked rows become part of the curated table."""
