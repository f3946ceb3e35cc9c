"""What the monitoring job found becomes metrics and an event."""
