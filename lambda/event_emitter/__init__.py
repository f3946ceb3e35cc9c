"""The only way a workflow puts an event on the bus: validated."""
