"""What the platform's functions share: events, S3 layout, settings, errors, clients. Never imports aws_cdk."""
