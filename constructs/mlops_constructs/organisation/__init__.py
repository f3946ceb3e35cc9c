"""Organisation: service control, resource control and tag policies. Serves the phases Reliable and Scalable.

`documents` and what it builds on are plain data and functions, for readers without the CDK; the construct that deploys
them is in `policies`.
"""
