"""What people change from day to day, under load: our component next to the ways it is done by hand."""
