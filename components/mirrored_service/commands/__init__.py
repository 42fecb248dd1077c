"""`mirrored-service COMMAND`: what people run by hand against a cluster.

Nothing of it is imported by `import mirrored_service`, which every `pulumi up` pays for.
"""
