"""A training run reads exactly the objects that were published when it began."""
