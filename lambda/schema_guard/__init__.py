"""First check of a landed file: is it what its source promises, and is it new?"""
