"""The embedded local AWS: the templates for AWS, deployed and run on one machine without Docker or an account."""
