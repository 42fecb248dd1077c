module mirrored-service/lab/shop

go 1.26
