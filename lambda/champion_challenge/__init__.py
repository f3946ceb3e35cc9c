"""On one holdout: a challenger is promoted only when it beats the champion, a former champion may be best again."""
