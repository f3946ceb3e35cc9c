"""AWS CDK constructs for a governed machine learning life cycle on AWS, each usable alone in somebody else's stack."""
