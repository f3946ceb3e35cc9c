"""A refused file is kept, with the reason beside it, and forgotten by the ledger."""
