"""IAM of the local AWS: sessions of roles, decisions and their record."""
