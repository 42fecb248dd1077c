"""From log files to small aggregates: reading, pairing requests with their copies, counting."""
