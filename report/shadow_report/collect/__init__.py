"""`shadow-report collect`: follows the access logs of all versions and keeps them as Parquet.

`command` is the command line, `collector` holds everything together, `cluster` is the Kubernetes API, `follow`
reads one container's log through interruptions, which `seam` joins, `lines` reads a line, `store` writes the
files, `tally` counts and `show` tells. `pods`, `seam`, `lines` and `tally` are pure.
"""
