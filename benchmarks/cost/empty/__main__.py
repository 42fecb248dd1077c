"""A Pulumi program without a single resource: what Pulumi costs by itself."""
