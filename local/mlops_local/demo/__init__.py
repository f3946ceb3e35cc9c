"""The demo: a year of real flights through the platform deployed to the local AWS, and a report of what happened."""
