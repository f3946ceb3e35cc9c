"""The winner of a contest becomes a version of the model package group, with its lineage and its card."""
