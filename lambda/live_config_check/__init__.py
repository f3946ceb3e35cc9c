"""After a deployment: does the endpoint really serve the configuration that was asked for?"""
