"""Makes and removes SSM parameters whose values belong to whoever writes them."""
