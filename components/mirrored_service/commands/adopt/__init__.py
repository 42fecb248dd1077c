"""`mirrored-service adopt`: from what runs today to a stack's config and the steps that lose nothing.

Pure but for gathering.py, which reads, files.py, which writes, and command.py.
"""
