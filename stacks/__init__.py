"""The stacks of the platform and the typed configuration they are built from."""
