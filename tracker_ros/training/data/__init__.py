"""Where samples come from: clips in shards and sets, and the mixture of them."""
