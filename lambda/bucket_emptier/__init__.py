"""Empties a bucket whose stack is deleted and which was declared as not worth keeping."""
