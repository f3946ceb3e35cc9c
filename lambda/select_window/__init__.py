"""Which captured predictions and which labels one monitoring run looks at."""
