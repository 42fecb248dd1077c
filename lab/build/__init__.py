"""What the lab is made of: programs from Go modules, Debian's packages, images of both; kept in a cache."""
