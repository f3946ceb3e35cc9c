"""Did the staged rows pass every quality rule?"""
