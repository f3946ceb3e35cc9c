"""One command that stops retraining, freezes promotion or takes an endpoint from traffic, and gives it back."""
