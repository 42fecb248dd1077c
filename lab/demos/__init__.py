"""What `make up`, `make report` and `make orders` show."""
