"""What a checked service is: frozen, so that what was checked stays true."""
