"""Mutation: our templates broken on purpose, and which checker notices."""
