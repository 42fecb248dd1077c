// The kinds of Gateway API (config/crd): nothing of it is compiled, so `go mod tidy` would take it out.
module mirrored-service/lab/gateway-api

go 1.26.0

require sigs.k8s.io/gateway-api v1.6.3
