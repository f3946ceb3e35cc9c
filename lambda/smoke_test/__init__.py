"""After a deployment: does the endpoint answer a known request as the serving contract says?"""
