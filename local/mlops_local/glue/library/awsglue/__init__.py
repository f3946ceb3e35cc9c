"""The part of Glue's own Python library that python shell jobs use."""
