"""The lab's addresses. They are the same in every lab: each has a network of its own."""

NODE_ADDRESS = "10.245.0.1"
PREFIX = 24
POD_RANGE = "10.244.0.0/24"
SERVICE_RANGE = "10.96.0.0/16"
API_ADDRESS = "10.96.0.1"
DNS_ADDRESS = "10.96.0.10"
GATEWAY_ADDRESS = "10.96.0.80"
API_PORT = 6443
GATEWAY_PORT = 80
