"""Permissions that a recorded run did not need: granted by the templates, never used."""
