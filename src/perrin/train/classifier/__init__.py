"""Networks that sort landings: the paper's and ours."""
