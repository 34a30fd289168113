"""A run cut into shards that know nothing of each other, and merged afterwards."""
