"""From arguments to the description: defaults, checks, and every problem at once. A file a topic, called as in
rendering/."""
