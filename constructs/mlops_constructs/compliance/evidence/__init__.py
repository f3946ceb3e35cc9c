"""The reviewer's half: every checker over one environment, and the evidence bundle that `make review` writes."""
