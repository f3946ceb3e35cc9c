"""A challenger is promoted only when it beats the champion on the same holdout."""
